import type { Admin } from "kafkajs";
import type pg from "pg";
import { quietKafka } from "../../../local/kafka/client.ts";
import { delay, within } from "../load/load.ts";
import { crowding } from "../patience.ts";
import type { Product } from "../product/product.ts";

const EVERY_MS = 500;
/** Longer than a look takes, and kafkajs may wait on a dead socket for ever. */
const LOOK_WITHIN_MS = 12_000;

/** What was seen while a round ran. */
export interface Observed {
  /** Kafka's commit was ahead of the stored offset: for each time, where. */
  ahead: string[];
  /** Looks at the offsets that came to an end. */
  samples: number;
  /** Of them, those in which Kafka held a commit of at least one partition. */
  commits: number;
  /** The most memory that a process held, bytes; null: none could be measured. */
  peakMemory: number | null;
  /** How much wanted to run for each core, on the average; 1 where all had room. */
  crowding: number;
}

interface ObserveOptions {
  brokers: readonly string[];
  topic: string;
  group: string;
  pool: pg.Pool;
  products: () => readonly Product[];
  stop: AbortSignal;
}

/**
 * Looks at offsets and, whatever these do, at memory and machine twice a second until `stop` aborts.
 *
 * @returns What was seen so far, kept up to date, and a promise of the end, which never rejects
 */
export function observe(options: ObserveOptions): { observed: Observed; done: Promise<void> } {
  const observed: Observed = { ahead: [], samples: 0, commits: 0, peakMemory: null, crowding: 1 };
  const done = Promise.all([watchOffsets(observed, options), watchMachine(observed, options)]);
  return { observed, done: done.then(() => {}) };
}

async function watchMachine(
  observed: Observed,
  { products, stop }: ObserveOptions,
): Promise<void> {
  for (let looks = 1; !stop.aborted; looks++) {
    observed.crowding += (await crowding() - observed.crowding) / looks;
    for (const product of products()) {
      await product.lookAtWaits();
      const memory = await product.memory();
      if (memory !== null) observed.peakMemory = Math.max(observed.peakMemory ?? 0, memory);
    }
    await delay(EVERY_MS);
  }
}

async function watchOffsets(observed: Observed, options: ObserveOptions): Promise<void> {
  let admin: Admin | null = null;
  const disconnect = async () => {
    if (admin) await within(3_000, admin.disconnect()).catch(() => {});
    admin = null;
  };
  while (!options.stop.aborted) {
    try {
      if (!admin) {
        admin = quietKafka(options.brokers, {
          connectionTimeout: 1_000,
          requestTimeout: 3_000,
          retry: { retries: 2, initialRetryTime: 100 },
        }).admin();
        await within(LOOK_WITHIN_MS, admin.connect());
      }
      await lookAtOffsets(observed, admin, options);
    } catch {
      await disconnect(); // a fault is on; the next look tells
    }
    await delay(EVERY_MS);
  }
  await disconnect();
}

async function lookAtOffsets(
  observed: Observed,
  admin: Admin,
  { topic, group, pool }: ObserveOptions,
): Promise<void> {
  // Kafka first: what it says then is in the table at the latest by now.
  const topics = await within(
    LOOK_WITHIN_MS,
    admin.fetchOffsets({ groupId: group, topics: [topic] }),
  );
  const { rows } = await pool.query(
    "SELECT partition, next_offset::text FROM consumer_offsets WHERE consumer = 'writer' AND topic = $1",
    [topic],
  );
  const stored = new Map(rows.map((row) => [row.partition, BigInt(row.next_offset)]));
  // -1: the group never committed there.
  const committed = topics.flatMap(({ partitions }) => partitions)
    .filter(({ offset }) => BigInt(offset) >= 0n);
  for (const { partition, offset } of committed) {
    if (BigInt(offset) > (stored.get(partition) ?? 0n)) {
      observed.ahead.push(`${partition}: Kafka ${offset}, stored ${stored.get(partition)}`);
    }
  }
  observed.samples++;
  if (committed.length > 0) observed.commits++;
}
