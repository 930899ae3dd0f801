import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { quietKafka } from "./client.ts";
import { startProcess } from "../process.ts";
import { logTail, waitFor } from "../wait.ts";

const START_MS = 60_000;

/** A broker for demonstrations: one process, everything in memory. */
export interface MockBroker {
  /** host:port. */
  readonly brokers: string[];
  stop(): Promise<void>;
}

/**
 * Starts librdkafka's mock broker (from npm's kafka-crab-js), for machines without Java. It keeps
 * records in memory only and knows no CreateTopics request, so the topics are made here, with four
 * partitions each. Nothing is to be concluded from it about durability.
 */
export async function startMockBroker(
  folder: string,
  topics: readonly string[],
): Promise<MockBroker> {
  await mkdir(folder, { recursive: true });
  const log = join(folder, "mock_broker.log");
  const script = fileURLToPath(new URL("./mock_broker_server.ts", import.meta.url));
  // Apart from the project: what is in deno.lock is downloaded wherever the tests are run first.
  const flags = ["--no-config", "--no-lock", "--node-modules-dir=none"];
  const server = await startProcess([process.execPath, "run", "-A", ...flags, script], { log });
  let address: string | undefined;
  try {
    await waitFor("the mock broker to start", async () => {
      const text = await readFile(log, "utf8").catch(() => "");
      address = /bootstrap\.servers .* replaced with ([\d.]+:\d+)/.exec(text)?.[1];
      return server.ended || address !== undefined;
    }, START_MS);
  } finally {
    if (address === undefined) await server.stop("SIGKILL", 0);
  }
  if (address === undefined) {
    throw new Error(`The mock broker did not start; the end of "${log}":\n${await logTail(log)}`);
  }
  await makeTopics([address], topics);
  // It has nothing to put away, and its threads do not always let it end by itself.
  return { brokers: [address], stop: () => server.stop("SIGKILL", 0) };
}

/** A producer's first look at a topic makes it; no message is needed for that. */
async function makeTopics(brokers: string[], topics: readonly string[]): Promise<void> {
  const producer = quietKafka(brokers).producer({ allowAutoTopicCreation: true });
  await producer.connect();
  try {
    await producer.sendBatch({ topicMessages: topics.map((topic) => ({ topic, messages: [] })) });
  } finally {
    await producer.disconnect();
  }
}
