import { adviceFor } from "../db/connect/advice.ts";
import { createKafka } from "../kafka/client.ts";
import { brokerAdviceFor, isOfBroker, isPassing } from "../kafka/failure.ts";
import { ensureTopic } from "../kafka/topic.ts";
import { newSpells, type Spells } from "../runtime/log/spell.ts";
import { retryUntil } from "../runtime/retry.ts";
import { consumeSession, type SessionDeps } from "./session.ts";
import { recordFailure } from "./stats.ts";

/** What a consumer is handed. */
export type ConsumerDeps = Omit<SessionDeps, "kafka" | "advise" | "spell" | "stored"> & {
  /** Shared with what else the process does. @default of its own */
  spells?: Spells;
};

/**
 * Reads the topic into the sink until `signal` aborts. What fails on the way (Kafka or PostgreSQL
 * away, tables not made yet) is tried again for as long as it takes.
 */
export async function runConsumer(deps: ConsumerDeps): Promise<void> {
  const { consumer, config, log, clock, stats, spells = newSpells(clock) } = deps;
  const told = {
    advise: (error: unknown) => (isOfBroker(error) ? brokerAdviceFor : adviceFor)(error),
    spell: (error: unknown) => isOfBroker(error) ? spells.broker : spells.database,
  };
  const tries = (attempt: "kafka" | "consume") => ({
    ...deps,
    ...told,
    isPassing,
    onFailure: () => recordFailure(stats, attempt, clock.monotonic()),
  });
  const kafka = createKafka(config, `httpmon-${consumer}`, log);
  await retryUntil("Reaching Kafka", () => ensureTopic(kafka, config, log), tries("kafka"));
  // Joining alone mends nothing: who joins, fails and joins again would do so for ever, without a wait.
  await retryUntil(
    "Reading the topic",
    (stored) => consumeSession({ ...deps, ...told, kafka, stored }),
    tries("consume"),
  );
}
