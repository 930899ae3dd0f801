import { Kafka, logLevel } from "kafkajs";
import type pg from "pg";
import { delay } from "./load.ts";
import type { Product } from "./product.ts";

const EVERY_MS = 500;

/** What was seen while a round ran. */
export interface Observed {
  /** Kafka's commit was ahead of the stored offset: for each time, where. */
  ahead: string[];
  samples: number;
  /** The most memory that a process held, bytes. */
  peakMemory: number;
}

/** Looks at offsets and memory twice a second until `stop` aborts. */
export async function observe(
  { brokers, topic, group, pool, products, stop }: {
    brokers: readonly string[];
    topic: string;
    group: string;
    pool: pg.Pool;
    products: () => readonly Product[];
    stop: AbortSignal;
  },
): Promise<Observed> {
  const observed: Observed = { ahead: [], samples: 0, peakMemory: 0 };
  const admin = new Kafka({
    clientId: "torture-observer",
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    retry: { retries: 2, initialRetryTime: 100 },
  }).admin();
  let connected = false;
  while (!stop.aborted) {
    for (const product of products()) {
      observed.peakMemory = Math.max(observed.peakMemory, await product.memory() ?? 0);
    }
    try {
      if (!connected) await admin.connect();
      connected = true;
      // Kafka first: what it says then is in the table at the latest by now.
      const committed = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      const { rows } = await pool.query(
        "SELECT partition, next_offset::text FROM consumer_offsets WHERE topic = $1",
        [topic],
      );
      const stored = new Map(rows.map((row) => [row.partition, BigInt(row.next_offset)]));
      for (const { partition, offset } of committed.flatMap(({ partitions }) => partitions)) {
        if (BigInt(offset) > (stored.get(partition) ?? 0n)) {
          observed.ahead.push(`${partition}: Kafka ${offset}, stored ${stored.get(partition)}`);
        }
      }
      observed.samples++;
    } catch {
      connected = false; // a fault is on; the next look tells
      await admin.disconnect().catch(() => {});
    }
    await delay(EVERY_MS);
  }
  await admin.disconnect().catch(() => {});
  return observed;
}
