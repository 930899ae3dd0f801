import { createHash } from "node:crypto";
import type { ClientBase } from "pg";

/** A partition of a topic. Two clusters may have topics of one name, so the cluster's id is in it. */
export interface BatchSource {
  /** Who reads it: "writer". */
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

const PLACE = "(consumer, cluster_id, topic, partition) = ($1, $2, $3, $4)";

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
