import type pg from "pg";
import { assertEquals } from "@std/assert";
import type { RetentionConfig } from "../../../config/types.ts";
import { BUSY } from "../../../db/history/lock.ts";
import { rollUp } from "../../../db/history/roll_up.ts";
import { ensurePartitions } from "../../../db/schema/partitions.ts";
import { type OwnDatabase, ownDatabase } from "../fixture.ts";

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
/** Where results begin that a test does not place otherwise. */
export const START = Date.UTC(2026, 3, 29);

/** Nothing is dropped. */
export const KEEP: RetentionConfig = {
  raw: null,
  hourly: null,
  daily: null,
  evidence: null,
  deadLetters: null,
  incidents: null,
};

/** A row of check_results, as far as history asks. */
export interface Row {
  /** Milliseconds since 1970. */
  ts: number;
  site?: number;
  agent?: number;
  verdict?: number;
  slots?: number | null;
  maintenance?: boolean | null;
  code?: number | null;
  ms?: number | null;
  /** dns to download. */
  phases?: (number | null)[];
}

/** A database with sites 1 to 5, "https://1.example/" for one, agents 1 to 3, and partitions of these days. */
export async function historyDatabase(from: number, days: number): Promise<OwnDatabase> {
  const database = await ownDatabase({ max: 6 });
  await database.rows(
    `INSERT INTO sites (url) SELECT format('https://%s.example/', i) FROM generate_series(1, 5) AS i;
     INSERT INTO agents (identity) SELECT gen_random_uuid() FROM generate_series(1, 3)`,
  );
  await ensurePartitions(
    database.pool,
    Array.from({ length: days }, (_, i) => new Date(from + i * DAY_MS).toISOString().slice(0, 10)),
  );
  return database;
}

/** Results a minute, each as the letters say: u(p), d(own), s(low), ?(unknown), m(aintenance), " " none. */
export function minutes(letters: string, changes: Partial<Row> = {}, from = START): Row[] {
  return [...letters].flatMap((letter, n) => {
    if (letter === " ") return [];
    const verdict = "usd?".indexOf(letter === "m" ? "u" : letter);
    return [{
      ts: from + n * MINUTE_MS,
      verdict,
      maintenance: letter === "m" ? true : null,
      ...changes,
    }];
  });
}

/** Inserts as a writer does: new rows and the marks of their hours, in the caller's transaction. */
export async function insert(client: pg.Pool | pg.ClientBase, rows: readonly Row[]): Promise<void> {
  const records = rows.map((row) => {
    const [dns_ms, connect_ms, tls_ms, first_byte_ms, download_ms] = row.phases ?? [];
    return {
      ts: new Date(row.ts).toISOString(),
      site_id: row.site ?? 1,
      agent_id: row.agent ?? 1,
      verdict: row.verdict ?? 0,
      slots: row.slots ?? null,
      maintenance: row.maintenance ?? null,
      response_code: row.code === undefined ? 200 : row.code,
      response_time: row.ms === undefined ? 10 : row.ms,
      dns_ms,
      connect_ms,
      tls_ms,
      first_byte_ms,
      download_ms,
    };
  });
  await client.query(
    `WITH stored AS (
       INSERT INTO check_results (ts, site_id, agent_id, verdict, slots, maintenance, response_code,
         response_time, dns_ms, connect_ms, tls_ms, first_byte_ms, download_ms)
       SELECT ts, site_id, agent_id, verdict, slots, maintenance, response_code, response_time,
         dns_ms, connect_ms, tls_ms, first_byte_ms, download_ms
       FROM json_populate_recordset(NULL::check_results, $1)
       ON CONFLICT DO NOTHING RETURNING ts, site_id
     )
     INSERT INTO rollup_marks (hour, site_ids)
     SELECT date_trunc('hour', ts), array_agg(DISTINCT site_id) FROM stored GROUP BY 1`,
    [JSON.stringify(records)],
  );
}

/** Rolls up all that is over by `now`. */
export async function rollUpAll({ pool }: OwnDatabase, now: number, most?: number): Promise<void> {
  const done = await rollUp(pool, { now: () => now, waitMs: 0, most });
  if (done === BUSY) throw new Error("Another maintainer is at work");
}

/**
 * Rows of `level` as plain SQL computes them from the results; written apart from the product's. The
 * sketch is as text "key:count ...".
 */
function recomputation(level: string, until: string): string {
  const counted = "NOT coalesce(maintenance, false) AND verdict";
  const responded = `(${counted} <> 3 AND response_code IS NOT NULL AND response_time IS NOT NULL)`;
  return `WITH results AS (
      SELECT *, date_trunc('${level}', ts, 'UTC') AS bucket, coalesce(slots, 1) AS n
      FROM check_results WHERE ts < '${until}'
    ), bins AS (
      SELECT bucket, site_id, agent_id, base
        + ceil(ln(greatest(ms, 0.001)) / ln((1 + alpha) / (1 - alpha)))::int AS key, count(*) AS n
      FROM results, LATERAL (VALUES
        (-340, 0.02::float8, response_time::float8), (86, 0.15, nullif(dns_ms, 0)),
        (166, 0.15, nullif(connect_ms, 0)), (246, 0.15, nullif(tls_ms, 0)),
        (326, 0.15, nullif(first_byte_ms, 0)), (406, 0.15, nullif(download_ms, 0))
      ) AS phase(base, alpha, ms)
      WHERE ${responded} AND ms IS NOT NULL GROUP BY 1, 2, 3, 4
    )
    SELECT bucket, site_id, agent_id, count(*)::int AS checks,
      ${
    ["up", "degraded", "down", "unknown"].map((name, verdict) =>
      `coalesce(sum(n) FILTER (WHERE ${counted} = ${verdict}), 0)::int AS ${name},`
    ).join(" ")
  }
      coalesce(sum(n) FILTER (WHERE maintenance), 0)::int AS maintenance,
      (count(*) FILTER (WHERE ${responded}))::int AS responses,
      min(response_time::float4) FILTER (WHERE ${responded}) AS response_min,
      max(response_time::float4) FILTER (WHERE ${responded}) AS response_max,
      coalesce(round(sum(round(response_time::float8 * 1000)::numeric) FILTER (WHERE ${responded}) / 1000, 3), 0)
        AS response_sum,
      (SELECT string_agg(key || ':' || bins.n, ' ' ORDER BY key) FROM bins
        WHERE (bins.bucket, bins.site_id, bins.agent_id)
          = (results.bucket, results.site_id, results.agent_id)) AS sketch
    FROM results GROUP BY bucket, site_id, agent_id`;
}

const STORED = (table: string) =>
  `SELECT bucket, site_id, agent_id, checks, up, degraded, down, unknown, maintenance, responses,
    response_min, response_max, round(response_sum::numeric, 3) AS response_sum,
    (SELECT string_agg((bin >> 22) || ':' || (bin & 4194303), ' ' ORDER BY bin)
      FROM unnest(sketch) AS bin) AS sketch
  FROM ${table}`;

/** Fails unless every row of every level equals a recomputation of what is over by `now`. */
export async function assertRollups({ rows }: OwnDatabase, now: number): Promise<void> {
  for (
    const [level, table, ms] of [["hour", "rollup_hourly", HOUR_MS], [
      "day",
      "rollup_daily",
      DAY_MS,
    ], ["month", "rollup_monthly", DAY_MS]] as const
  ) {
    const until = new Date(Math.floor(now / ms) * ms).toISOString();
    const both = `WITH stored AS (${STORED(table)}), computed AS (${recomputation(level, until)})`;
    const wrong = await rows(
      `${both} (SELECT 'stored' AS which, * FROM (TABLE stored EXCEPT TABLE computed) AS row)
       UNION ALL (SELECT 'computed', * FROM (TABLE computed EXCEPT TABLE stored) AS row)
       ORDER BY bucket, site_id, agent_id LIMIT 4`,
    );
    assertEquals(wrong, [], `${table} is not as a recomputation`);
  }
}
