import { createHash } from "node:crypto";
import type { ClientBase } from "pg";

/** A partition of a topic. Two clusters may have topics of one name, so the cluster's id is in it. */
export interface BatchSource {
  consumer: string;
  clusterId: string;
  topic: string;
  partition: number;
}

/** How far a partition is stored, and what was last. */
export interface StoredOffset {
  /** Of the first record that is not stored yet. */
  nextOffset: bigint;
  /** Of the last stored record, Kafka's, milliseconds since 1970; null where none was stored yet. */
  lastTimestamp: bigint | null;
  /** `recordHash` of the last stored record; null where none was stored yet. */
  lastHash: Uint8Array | null;
}

/** SHA-256 over key and value, that tells a record from another one at the same offset. */
export function recordHash(
  record: { key: Uint8Array | null; value: Uint8Array | null },
): Uint8Array {
  const hash = createHash("sha256");
  for (const part of [record.key, record.value]) {
    // The length first, so that bytes cannot move from the key to the value unseen; -1 is null.
    hash.update(`${part === null ? -1 : part.length}:`);
    if (part !== null) hash.update(part);
  }
  return hash.digest();
}

const PLACE = "consumer = $1 AND cluster_id = $2 AND topic = $3 AND partition = $4";

function place({ consumer, clusterId, topic, partition }: BatchSource) {
  return [consumer, clusterId, topic, partition];
}

/** Reads where a partition stands; null where nothing of it was stored. */
export async function readOffset(
  client: ClientBase,
  source: BatchSource,
): Promise<StoredOffset | null> {
  const { rows: [row] } = await client.query(
    `SELECT next_offset::text, last_timestamp::text, last_hash FROM consumer_offsets WHERE ${PLACE}`,
    place(source),
  );
  if (!row) return null;
  return {
    nextOffset: BigInt(row.next_offset),
    lastTimestamp: row.last_timestamp === null ? null : BigInt(row.last_timestamp),
    lastHash: row.last_hash,
  };
}

/**
 * Reads the next offset and locks it to the end of the transaction, so that a writer that lost the
 * partition cannot store beside the one that has it now. Null where there is none.
 */
export async function lockOffset(client: ClientBase, source: BatchSource): Promise<bigint | null> {
  const { rows: [row] } = await client.query(
    `SELECT next_offset::text FROM consumer_offsets WHERE ${PLACE} FOR UPDATE`,
    place(source),
  );
  return row ? BigInt(row.next_offset) : null;
}

/** Makes a partition's offset where there is none; one that another writer made stays. */
export async function insertOffset(
  client: ClientBase,
  source: BatchSource,
  nextOffset: bigint,
): Promise<void> {
  await client.query(
    `INSERT INTO consumer_offsets (consumer, cluster_id, topic, partition, next_offset)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
    [...place(source), nextOffset],
  );
}

/** Moves a locked offset behind `last`, the last record that is stored. */
export async function advanceOffset(
  client: ClientBase,
  source: BatchSource,
  last: {
    offset: bigint;
    timestamp: bigint;
    key: Uint8Array | null;
    value: Uint8Array | null;
  },
): Promise<void> {
  await client.query(
    `UPDATE consumer_offsets
     SET next_offset = $5, last_timestamp = $6, last_hash = $7, updated_at = now()
     WHERE ${PLACE}`,
    [...place(source), last.offset + 1n, last.timestamp, recordHash(last)],
  );
}

/**
 * Moves the offset to another place, forgetting the last record: for a topic that was made anew, or
 * whose start is past the stored offset. Only if it still is `from`; another writer may have moved it.
 *
 * @returns Whether it was moved
 */
export async function moveOffset(
  client: ClientBase,
  source: BatchSource,
  from: bigint,
  to: bigint,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE consumer_offsets
     SET next_offset = $6, last_timestamp = NULL, last_hash = NULL, updated_at = now()
     WHERE ${PLACE} AND next_offset = $5`,
    [...place(source), from, to],
  );
  return rowCount === 1;
}
