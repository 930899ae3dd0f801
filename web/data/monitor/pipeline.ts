import type { Pool } from "pg";
import { DAY_MS } from "../past/history.ts";
import { literal, MS } from "../sql.ts";

/** How results come in, and what becomes of them. Times are milliseconds since 1970. */
export interface Pipeline {
  /** How far each reader has stored each partition. */
  offsets: {
    consumer: string;
    topic: string;
    partition: number;
    nextOffset: string;
    /** Of the last record that is stored, by the broker. */
    lastRecord: number | null;
    movedAt: number;
  }[];
  /** Of dead letters that were not replayed. */
  letters: { reason: string; n: number; newest: number }[];
  /** Notifications by channel. */
  channels: {
    channel: string;
    pending: number;
    overdue: number;
    /** Given up, or owed and sent, in the last seven days. */
    failed: number;
    sent: number;
    oldestPending: number | null;
    lastSent: number | null;
  }[];
  /** What is still to be rolled up. */
  marks: { what: string; n: number; oldest: number | null }[];
  retention: { what: string; keepDays: number | null; droppedBefore: string | null }[];
  /** Of the tables, about; the largest first. */
  tables: { name: string; bytes: number; rows: number; partitions: number }[];
}

/** The SQL of each part. */
export function pipelineSql(now: number): Record<keyof Pipeline, string> {
  return {
    offsets: `SELECT consumer, topic, partition, next_offset::text AS "nextOffset",
      CASE WHEN last_timestamp > 0 THEN last_timestamp::float8 END AS "lastRecord",
      ${MS("updated_at", '"movedAt"')}
    FROM consumer_offsets ORDER BY consumer, topic, partition`,
    letters: `SELECT reason, count(*)::int4 AS n, ${MS("max(at)", "newest")}
    FROM dead_letters WHERE replayed_at IS NULL GROUP BY 1 ORDER BY 2 DESC`,
    channels: `SELECT channel, count(*) FILTER (WHERE state = 'pending')::int4 AS pending,
      count(*) FILTER (WHERE state = 'pending' AND due_at < now() - interval '1 minute')::int4 AS overdue,
      count(*) FILTER (WHERE state = 'failed')::int4 AS failed,
      count(*) FILTER (WHERE state = 'sent')::int4 AS sent,
      ${MS("min(created_at) FILTER (WHERE state = 'pending')", '"oldestPending"')},
      ${MS("max(sent_at)", '"lastSent"')}
    FROM notifications WHERE state = 'pending' OR created_at > ${literal(now - 7 * DAY_MS)}
    GROUP BY 1 ORDER BY 1`,
    marks: `SELECT 'marks of hours' AS what, count(*)::int4 AS n, ${MS("min(hour)", "oldest")}
    FROM rollup_marks
    UNION ALL SELECT level || 's to roll up', count(*)::int4, ${MS("min(bucket)", "oldest")}
    FROM rollup_pending GROUP BY level`,
    retention: `SELECT what, keep_days AS "keepDays", dropped_before::text AS "droppedBefore"
    FROM retention ORDER BY what`,
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
  const answers = await Promise.all(
    Object.entries(pipelineSql(now)).map(async (
      [name, sql],
    ) => [name, (await pool.query(sql)).rows]),
  );
  return Object.fromEntries(answers);
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
export async function deadLetters(pool: Pool, most: number): Promise<DeadLetter[]> {
  const { rows } = await pool.query(
    `SELECT id::text, ${MS("at")}, reason, detail, topic, partition, "offset"::text,
       coalesce(octet_length(value), 0) AS bytes,
       coalesce(substring(value, 1, ${SHOWN_BYTES}), '') AS value
     FROM dead_letters WHERE replayed_at IS NULL ORDER BY dead_letters.at DESC, id DESC LIMIT $1`,
    [most],
  );
  return rows;
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
export async function notificationsOf(
  pool: Pool,
  incidentId: string | null,
  most: number,
): Promise<Owed[]> {
  const { rows } = await pool.query(
    `SELECT id::text, incident_id::text AS "incidentId", channel, event, state, attempts,
       ${MS("created_at", '"createdAt"')}, ${MS("due_at", '"dueAt"')}, ${MS("sent_at", '"sentAt"')},
       error
     FROM notifications
     WHERE CASE WHEN $1::int8 IS NULL THEN state IN ('pending', 'failed') ELSE incident_id = $1 END
     ORDER BY CASE WHEN $1::int8 IS NULL THEN -id ELSE id END LIMIT $2`,
    [incidentId, most],
  );
  return rows;
}
