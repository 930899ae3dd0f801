import { check } from "./checker.ts";
import type { Findings } from "./invariants.ts";
import type { Lane } from "./lane.ts";
import { observe } from "./observe.ts";
import { Round, type RoundOptions } from "./round.ts";
import { endOffsets, readRecords } from "./topic.ts";
import type { Variant } from "./variant.ts";

/** Past the 60 s of I7, to tell slow from never. */
const DRAIN_MS = 100_000;

/** What came of a round. */
export interface RoundResult {
  findings: Findings;
  notes: string[];
  /** What kept the round from being judged. */
  error: string | null;
}

/** Load and fault side by side. */
async function loadAndFault(round: Round, { fault }: Variant): Promise<void> {
  const loading = round.load.run(round.seconds * 1000);
  await Promise.all([loading, round.underWay().then(() => fault?.(round))]);
}

/** Plays one round and judges it. */
export async function runRound(
  lane: Lane,
  variant: Variant,
  options: RoundOptions,
): Promise<RoundResult> {
  const round = new Round(lane, variant, options);
  const stop = new AbortController();
  try {
    await round.prepare();
    const observing = observe({
      brokers: round.brokers,
      topic: round.topic,
      group: round.group,
      pool: round.pool,
      products: () => [...round.writers, ...round.agents].filter(({ runs }) => runs),
      stop: stop.signal,
    });
    const env = variant.writerEnv?.(round.random);
    for (let i = 0; i < (variant.writers ?? 1); i++) round.startWriter(i === 0 ? env : undefined);
    if (variant.agent) round.startAgent();
    await (variant.drive ? variant.drive(round) : loadAndFault(round, variant));

    const healed = performance.now();
    for (const agent of round.agents) if (agent.runs) await round.stopAgent(agent);
    const drained = await round.drained(DRAIN_MS);
    const drainedAfter = drained ? (performance.now() - healed) / 1000 : null;
    for (const { trouble } of round.writers) if (trouble !== null) round.troubles.push(trouble);
    for (const writer of round.writers) if (writer.runs) await round.stopWriter(writer);
    stop.abort();
    const { findings, notes } = await check({
      pool: round.pool,
      ledgerPath: round.ledger.path,
      topic: round.topic,
      records: await readRecords(round.brokers, round.topic),
      ends: await endOffsets(round.brokers, round.topic),
      observed: await observing,
      drainedAfter,
      isExpired: round.isExpired,
      placesHold: variant.placesHold ?? true,
      agent: round.sites && {
        served: round.sites.served,
        ends: round.agentEnds,
        shiftMs: variant.agentOptions?.shiftMs ?? 0,
      },
      troubles: [...new Set(round.troubles)],
    });
    return { findings, notes: [...notes, ...round.notes], error: null };
  } catch (error) {
    return { findings: {}, notes: round.notes, error: (error as Error).message };
  } finally {
    stop.abort();
    await round.close();
  }
}
