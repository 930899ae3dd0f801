import { type Admin, Partitioners } from "kafkajs";
import { withAdmin } from "../../kafka/cluster.ts";
import { quietKafka } from "../../local/kafka/client.ts";
import { waitFor } from "../../local/wait.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { kafkaForTests } from "./stack.ts";

/** One record to put into a topic, as any producer might. */
export interface TestRecord {
  key?: string | null;
  value: string | Uint8Array | null;
  partition?: number;
}

/** Puts records into a topic, in order, each once. */
export async function produce(topic: string, records: readonly TestRecord[]): Promise<void> {
  const { brokers } = await kafkaForTests();
  const producer = quietKafka(brokers, { requestTimeout: 30_000 }).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    // kafkajs sends all partitions again where the answer of one is an error.
    idempotent: true,
  });
  await producer.connect();
  try {
    await producer.send({
      topic,
      acks: -1,
      messages: records.map(({ key = null, value, partition }) => ({
        key,
        value: value instanceof Uint8Array ? Buffer.from(value) : value,
        ...(partition !== undefined && { partition }),
      })),
    });
  } finally {
    await producer.disconnect();
  }
}

/** Does something as the cluster's administrator. */
export async function administer<T>(run: (admin: Admin) => Promise<T>): Promise<T> {
  const { brokers } = await kafkaForTests();
  return await withAdmin(quietKafka(brokers), run);
}

/** Deletes a topic with records in it, and makes one of its name, of one partition. */
export async function makeAnew(topic: string): Promise<void> {
  const configEntries = [{ name: "message.timestamp.type", value: "LogAppendTime" }];
  await administer(async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    const makes = () =>
      admin.createTopics({
        waitForLeaders: false,
        topics: [{ topic, numPartitions: 1, configEntries }],
      });
    await waitFor("the topic to be made anew", makes, 60_000);
    // The broker may know the deleted one for a moment still, and would take records into it.
    const isEmpty = async () => (await admin.fetchTopicOffsets(topic))[0]?.high === "0";
    await waitFor("the new topic", () => isEmpty().catch(() => false), 60_000);
  });
}

/** The agent of the messages made here. */
export const TEST_AGENT = "d2f7ad13-1c0b-4b5d-9a40-0d1f1d3c2b11";

const START = BigInt(Date.now()) * 1000n;

/** The older program's seven fields; `n` makes each another result. */
export function sevenFields(n: number, changes: Record<string, unknown> = {}) {
  return {
    ts: formatTimestamp(START + BigInt(n) * 1_000_003n),
    agentUUID: TEST_AGENT,
    url: `https://example.com/${n % 10}`,
    regexResult: false as boolean | null,
    responseCode: 200 as number | null,
    responseTime: 12.4,
    errorMessage: null as string | null,
    ...changes,
  };
}
