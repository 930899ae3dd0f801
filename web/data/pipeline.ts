import type { Pool } from "pg";
import { MS } from "./sites.ts";

/** How the way from the topic to the tables is. Times are milliseconds since 1970. */
export interface Pipeline {
  /** How far each consumer has stored each partition. */
  partitions: {
    consumer: string;
    topic: string;
    partition: number;
    /** A number that JavaScript may not hold. */
    nextOffset: string;
    updatedAt: number;
  }[];
  /** Those that wait, by their reason. */
  deadLetters: { reason: string; count: number; lastAt: number }[];
  /** Hours of sites that are to be rolled up; those of this hour wait for its end. */
  rollupsPending: number;
  /** What is owed to channels. */
  notifications: {
    channel: string;
    pending: number;
    failed: number;
    oldestPending: number | null;
  }[];
  retention: { what: string; keepDays: number | null; droppedBefore: string | null }[];
}

export async function pipelineNow(pool: Pool): Promise<Pipeline> {
  const rows = async (sql: string) => (await pool.query(sql)).rows;
  const [partitions, deadLetters, [pending], notifications, retention] = await Promise.all([
    rows(`SELECT consumer, topic, partition, next_offset::text AS "nextOffset",
        ${MS("updated_at", '"updatedAt"')}
      FROM consumer_offsets ORDER BY 1, 2, 3`),
    rows(`SELECT reason, count(*)::int4 AS count, ${MS("max(at)", '"lastAt"')}
      FROM dead_letters WHERE replayed_at IS NULL GROUP BY 1 ORDER BY 2 DESC`),
    rows(`SELECT (SELECT count(*) FROM rollup_marks)::int4
        + (SELECT count(*) FROM rollup_pending)::int4 AS n`),
    rows(`SELECT channel, count(*) FILTER (WHERE state = 'pending')::int4 AS pending,
        count(*) FILTER (WHERE state = 'failed')::int4 AS failed,
        ${MS("min(created_at) FILTER (WHERE state = 'pending')", '"oldestPending"')}
      FROM notifications WHERE state = 'pending' OR created_at > now() - interval '7 days'
      GROUP BY 1 ORDER BY 1`),
    rows(`SELECT what, keep_days AS "keepDays", dropped_before::text AS "droppedBefore"
      FROM retention ORDER BY 1`),
  ]);
  return { partitions, deadLetters, rollupsPending: pending.n, notifications, retention };
}
