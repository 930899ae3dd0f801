import type { ClientBase, Pool } from "pg";
import type { Source } from "../../consume/sink.ts";
import type { TopicView } from "../../kafka/cluster.ts";
import type { Signs } from "../state/signs.ts";

/** How far a partition is read, in time: milliseconds since 1970 by the broker's clock. */
export interface PartitionClock {
  at: number;
  /** When agents were last said to be heard. */
  agents: Signs;
}

/** What all partitions of a topic have in common. */
export type Topic = Omit<Source, "partition">;

/** An agent that was silent for so long is said to be heard anew all the same. */
const FORGET_MS = 86_400_000;
/** A partition that nobody can read holds the others up no longer than this. */
const HELD_UP_MS = 60_000;

/** Locks a partition's clock to the end of the transaction. */
export async function lockClock(
  client: ClientBase,
  { clusterId, topic, partition }: Source,
): Promise<PartitionClock> {
  const { rows: [row] } = await client.query(
    `WITH made AS (
       INSERT INTO alert_clocks (cluster_id, topic, partition, at) VALUES ($1, $2, $3, 0)
       ON CONFLICT DO NOTHING
     )
     SELECT at::float8, agents FROM alert_clocks
     WHERE cluster_id = $1 AND topic = $2 AND partition = $3 FOR UPDATE`,
    [clusterId, topic, partition],
  );
  return row ?? { at: 0, agents: {} };
}

/** Moves a locked clock. */
export async function moveClock(
  client: ClientBase,
  { clusterId, topic, partition }: Source,
  { at, agents }: PartitionClock,
): Promise<void> {
  const recent = Object.entries(agents).filter(([, [seenAt]]) => at - seenAt <= FORGET_MS);
  await client.query(
    `UPDATE alert_clocks SET at = $4, agents = $5, moved_at = now()
     WHERE cluster_id = $1 AND topic = $2 AND partition = $3`,
    [clusterId, topic, partition, at, JSON.stringify(Object.fromEntries(recent))],
  );
}

/**
 * Moves the clocks of partitions that are read to their end: nothing of before `at` is to come.
 *
 * @param bounds As they were at `at` or later
 */
export async function moveIdleClocks(
  pool: Pool,
  { consumer, clusterId, topic }: Topic,
  bounds: TopicView["bounds"],
  at: number,
): Promise<void> {
  const partitions = [...bounds.keys()];
  await pool.query(
    `WITH made AS (
       INSERT INTO alert_clocks (cluster_id, topic, partition, at)
       SELECT $2, $3, partition, 0 FROM unnest($4::int4[]) AS partition
       WHERE NOT EXISTS (
         SELECT FROM alert_clocks AS c
         WHERE c.cluster_id = $2 AND c.topic = $3 AND c.partition = partition.partition
       ) ON CONFLICT DO NOTHING
     ), idle AS (
       SELECT c.partition FROM alert_clocks AS c
       JOIN unnest($4::int4[], $5::int8[], $6::int8[]) AS b(partition, low, high) USING (partition)
       LEFT JOIN consumer_offsets AS o ON o.consumer = $1 AND o.cluster_id = $2 AND o.topic = $3
         AND o.partition = c.partition
       WHERE c.cluster_id = $2 AND c.topic = $3 AND coalesce(o.next_offset, b.low) >= b.high
       FOR UPDATE OF c SKIP LOCKED
     )
     UPDATE alert_clocks AS c SET at = greatest(c.at, $7), moved_at = now()
     FROM idle WHERE c.cluster_id = $2 AND c.topic = $3 AND c.partition = idle.partition`,
    [
      ...[consumer, clusterId, topic, partitions],
      partitions.map((partition) => bounds.get(partition)!.low),
      partitions.map((partition) => bounds.get(partition)!.high),
      at,
    ],
  );
}

/**
 * The times up to which all partitions are read, and one of them.
 *
 * @param mayHoldUp Whether those count that stand still, too; else they are left behind
 * @returns `first` null where nothing is known
 */
export async function readClocks(
  client: ClientBase,
  { clusterId, topic }: Topic,
  mayHoldUp: boolean,
): Promise<{ first: number | null; last: number | null }> {
  const { rows: [clocks] } = await client.query(
    `SELECT max(at)::float8 AS last, (min(at) FILTER (
         WHERE $3 OR moved_at > now() - interval '${HELD_UP_MS} ms'))::float8 AS first
     FROM alert_clocks WHERE cluster_id = $1 AND topic = $2`,
    [clusterId, topic, mayHoldUp],
  );
  return clocks;
}
