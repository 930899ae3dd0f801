import type { Pool } from "pg";
import { z } from "zod";
import { DAY_MS } from "../past/history.ts";
import { time } from "../shape.ts";
import { literal, rowsOf } from "../sql.ts";

/** How results come in, and what becomes of them. */
export const pipeline = z.object({
  partitions: z.array(z.object({
    consumer: z.string(),
    topic: z.string(),
    partition: z.int(),
    nextOffset: z.string(),
    updatedAt: time,
  })),
  deadLetters: z.array(z.object({ reason: z.string(), count: z.int(), lastAt: time })),
  rollupsPending: z.int(),
  notifications: z.array(z.object({
    channel: z.string(),
    pending: z.int(),
    failed: z.int().describe("In the last seven days"),
    oldestPending: time.nullable(),
  })),
  retention: z.array(z.object({
    what: z.string(),
    keepDays: z.int().nullable(),
    droppedBefore: z.iso.date().nullable(),
  })),
});

type Shown = z.input<typeof pipeline>;

/** Times are milliseconds since 1970. */
export interface Pipeline {
  /** How far each reader has stored each partition; the last record by the broker's time. */
  partitions: (Shown["partitions"][number] & { lastRecord: number | null })[];
  /** Those that were not replayed. */
  deadLetters: Shown["deadLetters"];
  /** Those sent, or given up, in the last seven days; those overdue for a minute. */
  notifications: (Shown["notifications"][number] & {
    overdue: number;
    sent: number;
    lastSent: number | null;
  })[];
  /** What is still to be rolled up. */
  rollups: { what: string; count: number; oldest: number | null }[];
  retention: Shown["retention"];
  /** Of the tables, about; the largest first. */
  tables: { name: string; bytes: number; rows: number; partitions: number }[];
}

/** The SQL of each part. */
export function pipelineSql(now: number): Record<keyof Pipeline, string> {
  return {
    partitions: `SELECT consumer, topic, partition, next_offset, updated_at,
      CASE WHEN last_timestamp > 0 THEN last_timestamp::float8 END AS last_record
    FROM consumer_offsets ORDER BY consumer, topic, partition`,
    deadLetters: `SELECT reason, count(*)::int4, max(at) AS last_at
    FROM dead_letters WHERE replayed_at IS NULL GROUP BY 1 ORDER BY 2 DESC`,
    notifications: `SELECT channel, count(*) FILTER (WHERE state = 'pending')::int4 AS pending,
      count(*) FILTER (WHERE state = 'pending' AND due_at < now() - interval '1 minute')::int4 AS overdue,
      count(*) FILTER (WHERE state = 'failed')::int4 AS failed,
      count(*) FILTER (WHERE state = 'sent')::int4 AS sent,
      min(created_at) FILTER (WHERE state = 'pending') AS oldest_pending, max(sent_at) AS last_sent
    FROM notifications WHERE state = 'pending' OR created_at > ${literal(now - 7 * DAY_MS)}
    GROUP BY 1 ORDER BY 1`,
    rollups: `SELECT 'marks of hours' AS what, count(*)::int4, min(hour) AS oldest FROM rollup_marks
    UNION ALL SELECT level || 's to roll up', count(*)::int4, min(bucket)
    FROM rollup_pending GROUP BY level`,
    retention: "SELECT what, keep_days, dropped_before::text FROM retention ORDER BY what",
    tables: `SELECT coalesce(p.inhparent::regclass, c.oid::regclass)::text AS name,
      sum(c.relpages)::float8 * 8192 AS bytes,
      sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relkind = 'r')::float8 AS rows,
      count(p.inhparent)::int4 AS partitions
    FROM pg_class AS c LEFT JOIN pg_inherits AS p ON p.inhrelid = c.oid
    WHERE c.relkind = 'r' AND c.relpages > 0 AND c.relnamespace = (
        SELECT relnamespace FROM pg_class WHERE oid = 'check_results'::regclass)
    GROUP BY 1 ORDER BY 2 DESC LIMIT 12`,
  };
}

export async function pipelineOf(pool: Pool, now: number): Promise<Pipeline> {
  const parts = Object.entries(pipelineSql(now))
    .map(async ([name, sql]) => [name, await rowsOf(pool, sql)] as const);
  return Object.fromEntries(await Promise.all(parts)) as unknown as Pipeline;
}

/** A record that could not be stored. */
export interface DeadLetter {
  id: string;
  at: number;
  reason: string;
  detail: string;
  topic: string;
  partition: number;
  offset: string;
  bytes: number;
  /** The beginning of its value. */
  value: Uint8Array;
}

const SHOWN_BYTES = 2_048;

/** The newest that were not replayed. */
export function deadLetters(pool: Pool, most: number): Promise<DeadLetter[]> {
  return rowsOf(
    pool,
    `SELECT id, at, reason, detail, topic, partition, "offset",
       coalesce(octet_length(value), 0) AS bytes,
       coalesce(substring(value, 1, ${SHOWN_BYTES}), '') AS value
     FROM dead_letters WHERE replayed_at IS NULL ORDER BY at DESC, id DESC LIMIT $1`,
    [most],
  );
}

/** A notification that somebody should have had. */
export interface Owed {
  id: string;
  incidentId: string;
  channel: string;
  event: string;
  state: string;
  attempts: number;
  createdAt: number;
  dueAt: number;
  sentAt: number | null;
  error: string | null;
}

/** Notifications of an incident in their order, or the newest of all that were given up or wait. */
export function notificationsOf(
  pool: Pool,
  incidentId: string | null,
  most: number,
): Promise<Owed[]> {
  return rowsOf(
    pool,
    `SELECT id, incident_id, channel, event, state, attempts, created_at, due_at, sent_at, error
     FROM notifications
     WHERE CASE WHEN $1::int8 IS NULL THEN state IN ('pending', 'failed') ELSE incident_id = $1 END
     ORDER BY CASE WHEN $1::int8 IS NULL THEN -id ELSE id END LIMIT $2`,
    [incidentId, most],
  );
}
