import type { Admin, Kafka } from "kafkajs";
import type { Client } from "pg";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { type Audit, auditTables } from "./audit.ts";
import { DEMO_TOPIC } from "./config.ts";
import { agentCounts, readLog, troubleIn } from "./logs.ts";
import type { Program } from "./programs.ts";
import type { Screen } from "./show/screen.ts";
import type { Outcome } from "./show/summary.ts";
import { type Ends, readTopic, topicEnds, type TopicRecord } from "./topic_reader.ts";

/** Longer than the programs' own deadlines for stopping. */
const STOP_MS = 20_000;
const READ_MS = 60_000;
const DRAIN_MS = 30_000;

/** What is wound down, and what it is measured by. */
export interface Running {
  agent: Program;
  writer: Program;
  kafka: Kafka;
  admin: Admin;
  client: Client;
  /** Where the topic ended when the demo began. */
  begin: Ends;
  screen: Screen;
  clock: Clock;
}

/**
 * Stops the agent, which flushes; lets the writer take in what is in the topic; stops it; and
 * compares the topic with the tables.
 */
export async function windDown(running: Running): Promise<Omit<Outcome, "seconds">> {
  const { agent, writer, kafka, admin, client, begin, screen, clock } = running;
  await screen.step("Agent stopped", () => stopInOrder(agent));
  let records: TopicRecord[] = [];
  await screen.step("Topic read", async () => {
    const ends = await topicEnds(admin, DEMO_TOPIC);
    records = await readTopic(kafka, DEMO_TOPIC, begin, ends, READ_MS);
    return `${records.length} records`;
  });
  await screen.step("Writer drained", async () => {
    const { written, deadLetters } = await drained(client, records, clock);
    return `${written} rows, ${deadLetters} dead letters`;
  });
  await screen.step("Writer stopped", () => stopInOrder(writer));

  // Once more, after the last one that could have changed something.
  const audit = await auditTables(client, DEMO_TOPIC, records);
  const trouble: Outcome["trouble"][number][] = [];
  for (const { mode, log } of [agent, writer]) {
    trouble.push(...troubleIn(await readLog(log)).map((line) => ({ ...line, mode })));
  }
  const exitCodes = await Promise.all([agent, writer].map(({ process }) => process.exited));
  return {
    agent: agentCounts(await readLog(agent.log)),
    audit,
    trouble,
    endedWell: exitCodes.every((code) => code === 0),
  };
}

async function stopInOrder({ process }: Program): Promise<string> {
  await process.stop("SIGTERM", STOP_MS);
  return `exit code ${await process.exited}`;
}

/** Waits until the tables account for every record, or for as long as a healthy writer may need. */
async function drained(
  client: Client,
  records: readonly TopicRecord[],
  clock: Clock,
): Promise<Audit> {
  const deadline = clock.monotonic() + DRAIN_MS;
  while (true) {
    const audit = await auditTables(client, DEMO_TOPIC, records);
    if (audit.lost === 0 || clock.monotonic() > deadline) return audit;
    await sleep(clock, 200);
  }
}
