/** What scenarios look at to know that a fault has hit something. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PATIENCE_MS, until } from "../patience.ts";
import type { Product } from "../product.ts";
import type { Round } from "../round.ts";
import { asAdmin } from "../topic.ts";

/** What a writer prints when its session is gone or its batch is not stored. */
export const STORE_FAILED = [
  "Lost a connection to the database",
  "Storing a batch failed",
  "Finding the place to read from failed",
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

/** The lines that `product` has printed. */
export async function linesOf(round: Round, product: Product): Promise<string[]> {
  const all = product.mode === "writer" ? round.writers : round.agents;
  const file = join(round.folder, `${product.mode}-${all.indexOf(product) + 1}.log`);
  return (await readFile(file, "utf8").catch(() => "")).split("\n");
}

/** How many lines of `products` hold one of `texts`. A spell of failures is one line. */
export async function timesPrinted(
  round: Round,
  products: readonly Product[],
  ...texts: readonly string[]
): Promise<number> {
  let times = 0;
  for (const product of products) {
    const lines = await linesOf(round, product);
    times += lines.filter((line) => texts.some((text) => line.includes(text))).length;
  }
  return times;
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
    "SELECT partition, next_offset::text FROM consumer_offsets WHERE topic = $1",
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

/** Records that a writer which has stopped found stored by others, or by calls without a reply. */
export function skippedBy(round: Round, writer: Product): Promise<number> {
  return countedBy(round, writer, "skipped");
}

/** What a writer that has stopped says of itself. */
export async function countedBy(
  round: Round,
  writer: Product,
  what: "skipped" | "expired",
): Promise<number> {
  const last = (await linesOf(round, writer)).find((line) => line.includes('"skipped":'));
  return JSON.parse(last ?? "{}")[what] ?? 0;
}
