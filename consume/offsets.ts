import type { ClientBase, Pool } from "pg";
import { beginWithin, type ServerTimeouts, transaction } from "../db/connect/transaction.ts";
import { recordHash } from "../runtime/record_hash.ts";
import type { Place, RawRecord, Source } from "./sink.ts";

/** How far a partition is stored, and what was last. */
export interface StoredOffset {
  /** Of the first record that is not stored yet. */
  nextOffset: bigint;
  /** Of the last stored record, Kafka's, milliseconds since 1970; null where none was stored yet. */
  lastTimestamp: bigint | null;
  /** `recordHash` of the last stored record; null where none was stored yet. */
  lastHash: Uint8Array | null;
}

/** Where the stored offsets are. */
export interface Offsets {
  /** Where partitions stand, by number, in one look; without those of which nothing was stored. */
  read(
    topic: Omit<Source, "partition">,
    partitions: readonly number[],
  ): Promise<Map<number, StoredOffset>>;

  /**
   * Moves a stored offset that does not fit the topic any more. False, and nothing is done, where it
   * is not `from`: another process was first.
   *
   * @param keepsLast Whether the last stored record was of this topic: where the topic can be read
   *   before `to` again, it was made anew
   */
  move(source: Source, from: bigint, to: bigint, keepsLast: boolean): Promise<boolean>;
}

const TOPIC = "consumer = $1 AND cluster_id = $2 AND topic = $3";
const PLACE = `${TOPIC} AND partition = $4`;

function placeOf({ consumer, clusterId, topic, partition }: Source) {
  return [consumer, clusterId, topic, partition];
}

/** The offsets in the database of `pool`, each call a transaction within `timeouts`. */
export function createOffsets(pool: Pool, timeouts: ServerTimeouts = {}): Offsets {
  const begin = beginWithin(timeouts);
  return {
    read: ({ consumer, clusterId, topic }, partitions) =>
      transaction(pool, begin, async (client) => {
        const { rows } = await client.query(
          `SELECT partition, next_offset::text, last_timestamp::text, last_hash
           FROM consumer_offsets WHERE ${TOPIC} AND partition = ANY ($4)`,
          [consumer, clusterId, topic, partitions],
        );
        return new Map(rows.map((row) => [row.partition, {
          nextOffset: BigInt(row.next_offset),
          lastTimestamp: row.last_timestamp === null ? null : BigInt(row.last_timestamp),
          lastHash: row.last_hash,
        }]));
      }),
    move: (source, from, to, keepsLast) =>
      transaction(pool, begin, async (client) => {
        const forget = keepsLast ? "" : ", last_timestamp = NULL, last_hash = NULL";
        const { rowCount } = await client.query(
          `UPDATE consumer_offsets SET next_offset = $6, updated_at = now()${forget}
           WHERE ${PLACE} AND next_offset = $5`,
          [...placeOf(source), from, to],
        );
        return rowCount === 1;
      }),
  };
}

/**
 * For sinks: locks a partition's offset to the end of the transaction, which makes it where it may.
 *
 * @returns The offset, or null where there is none. Below `position`, nothing may be stored: the
 *   outcome is "moved"; records below it are stored already
 */
export async function lockOffset(
  client: ClientBase,
  source: Source,
  { position, first }: Place,
): Promise<bigint | null> {
  const lock = async () => {
    const { rows: [row] } = await client.query(
      `SELECT next_offset::text FROM consumer_offsets WHERE ${PLACE} FOR UPDATE`,
      placeOf(source),
    );
    return row ? BigInt(row.next_offset) : null;
  };
  const stored = await lock();
  if (stored !== null || !first) return stored;
  await client.query(
    `INSERT INTO consumer_offsets (consumer, cluster_id, topic, partition, next_offset)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
    [...placeOf(source), position],
  );
  return await lock();
}

/** For sinks: moves a locked offset behind `last`, the last record that is stored. */
export async function advanceOffset(
  client: ClientBase,
  source: Source,
  last: RawRecord,
): Promise<void> {
  await client.query(
    `UPDATE consumer_offsets
     SET next_offset = $5, last_timestamp = $6, last_hash = $7, updated_at = now()
     WHERE ${PLACE}`,
    [...placeOf(source), last.offset + 1n, last.timestamp, recordHash(last)],
  );
}
