/** What scenarios look at to know that a fault has hit something. */
import { PATIENCE_MS, until } from "../patience.ts";
import type { Product } from "../product/product.ts";
import type { Round } from "../round.ts";
import { asAdmin } from "../seen/topic.ts";

/**
 * What a writer prints when its session is gone or its batch is not stored; of what the database keeps
 * waiting, the first says so for all.
 */
export const STORE_FAILED = [
  "Lost a connection to the database",
  "Storing a batch failed",
  "Finding the place to read from failed",
  "Keeping rollups and retention failed",
  "Making partitions ahead failed",
] as const;

/** Condition on pg_stat_activity: a session of the writers of the round. */
export const OF_WRITER =
  "datname = current_database() AND application_name = 'httpmon-writer' AND pid <> pg_backend_pid()";

/** Waits for `holds`; else the fault has hit nothing: `otherwise`. */
export async function mustCome(
  round: Round,
  otherwise: string,
  holds: () => Promise<boolean> | boolean,
): Promise<void> {
  let came = false;
  try {
    // A look may fail while a fault is on; the next one tells.
    const look = async () => came = await (async () => await holds())().catch(() => false);
    await until("it", look);
  } catch {
    round.mustHave(came, `${otherwise} within ${PATIENCE_MS / 1000} s`);
  }
}

/** Waits until rows come: a writer that failed may wait for many seconds before its next try. */
export async function storesMore(round: Round): Promise<void> {
  const before = await round.count();
  const more = async () => await round.count() > before;
  await mustCome(round, "the writers store nothing", more);
}

/**
 * Tells whether a line with one of `texts` has come since now; of a spell of failures there is one.
 *
 * @param products More may join them
 */
export function printedSince(products: readonly Product[], ...texts: string[]): () => boolean {
  const times = () => products.reduce((sum, product) => sum + product.times(...texts), 0);
  const before = times();
  return () => times() > before;
}

/** Where a partition stands in the database and in Kafka; -1: nowhere yet. */
export interface Places {
  stored: bigint;
  committed: bigint;
}

/** By partition. Kafka is asked first, so that its commit is never ahead by the way of asking. */
export async function placesOf(round: Round): Promise<Map<number, Places>> {
  const { group: groupId, topic } = round;
  const groups = await asAdmin(
    round.brokers,
    (admin) => admin.fetchOffsets({ groupId, topics: [topic] }),
  );
  const { rows } = await round.pool.query(
    "SELECT partition, next_offset::text FROM consumer_offsets WHERE consumer = 'writer' AND topic = $1",
    [topic],
  );
  const stored = new Map(rows.map((row) => [row.partition, BigInt(row.next_offset)]));
  return new Map(
    groups.flatMap(({ partitions }) => partitions).map(({ partition, offset }) => [
      partition,
      { stored: stored.get(partition) ?? -1n, committed: BigInt(offset) },
    ]),
  );
}

/** What a writer that has stopped says of itself: records that it found stored by others, or expired. */
export function countedBy(writer: Product, what: "skipped" | "expired"): number {
  return JSON.parse(writer.lines.find((line) => line.includes('"skipped":')) ?? "{}")[what] ?? 0;
}
