/** I8: rollups against a recomputation, with SQL that shares nothing with the product's. */
import type pg from "pg";

const COUNTS = ["up", "degraded", "down", "unknown", "maintenance"];

/** A result as a part of an hour. A sketch is keys << 22 | how often each is there. */
const OF_RESULTS = `
  SELECT ts AS at, site_id, agent_id, 1 AS checks,
    ${COUNTS.map((name, i) => `CASE counts_as WHEN ${i} THEN n ELSE 0 END AS ${name}`).join(", ")},
    CASE WHEN responded THEN response_time END AS response_min,
    CASE WHEN responded THEN response_time END AS response_max,
    CASE WHEN responded THEN response_time::float8 END AS response_sum,
    responded::int AS responses,
    CASE WHEN responded THEN ARRAY(
      SELECT (first + ceil(ln(greatest(ms, 0.001)) / ln((1 + alpha) / (1 - alpha)))::int) << 22 | 1
      FROM (VALUES
        (-340, 0.02::float8, response_time::float8), (86, 0.15, nullif(dns_ms, 0)),
        (166, 0.15, nullif(connect_ms, 0)), (246, 0.15, nullif(tls_ms, 0)),
        (326, 0.15, nullif(first_byte_ms, 0)), (406, 0.15, nullif(download_ms, 0))
      ) AS one(first, alpha, ms)
      WHERE ms IS NOT NULL
    ) END AS sketch
  FROM (
    SELECT *, coalesce(slots, 1) AS n, CASE WHEN maintenance THEN 4 ELSE verdict END AS counts_as,
      verdict < 3 AND maintenance IS NOT TRUE AND response_code IS NOT NULL AS responded
    FROM check_results
  ) AS r`;

const LEVELS = [
  { level: "hour", table: "rollup_hourly", parts: OF_RESULTS, of: "raw" },
  { level: "day", table: "rollup_daily", parts: rows("rollup_hourly"), of: "hourly" },
  { level: "month", table: "rollup_monthly", parts: rows("rollup_daily"), of: "daily" },
] as const;

function rows(table: string): string {
  return `SELECT bucket AS at, * FROM ${table}`;
}

/** Rows as texts: computed from their parts, or as they stand, each a part of its own. */
function added(level: string, parts: string): string {
  return `
    SELECT bucket, site_id, agent_id, concat_ws(' ', checks, ${COUNTS.join(", ")}, responses,
      response_sum, response_min, response_max, '|', (
        SELECT string_agg(key || ':' || n, ' ' ORDER BY key) FROM (
          SELECT bin >> 22 AS key, sum(bin & 4194303) AS n FROM unnest(sketches) AS bin GROUP BY 1
        ) AS bins
      )) AS content
    FROM (
      SELECT date_trunc('${level}', at, 'UTC') AS bucket, site_id, agent_id, sum(checks) AS checks,
        ${COUNTS.map((name) => `sum(${name}) AS ${name}`).join(", ")}, sum(responses) AS responses,
        coalesce(sum(round(response_sum::numeric, 3)), 0.000) AS response_sum,
        min(response_min) AS response_min, max(response_max) AS response_max,
        string_to_array(string_agg(array_to_string(sketch, ','), ','), ',')::int[] AS sketches
      FROM (${parts}) AS part GROUP BY 1, 2, 3
    ) AS sums`;
}

/** Sites' hours that are to be computed again, and what they are part of. */
const WAITING = `waiting AS (
  SELECT site_id, level, bucket FROM rollup_pending
  UNION SELECT unnest(site_ids), 'hour', hour FROM rollup_marks
)`;

/**
 * What is wrong with the rollups and the changes of verdicts at this moment, results coming in or not:
 * all that does not wait to be computed again has to equal a recomputation.
 *
 * @param pool Of which one connection is used
 * @param finished Nothing may wait any more
 */
export async function compareRollups(pool: pg.Pool, { finished = false } = {}): Promise<string[]> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = '2s';
       SET LOCAL statement_timeout = '60s'; SET LOCAL timezone = 'UTC'`,
    );
    const wrong: string[] = [];
    if (finished) {
      const { rows: [{ count }] } = await client.query(
        `WITH ${WAITING} SELECT count(*)::int FROM waiting`,
      );
      if (count > 0) wrong.push(`${count} hours, days and months still wait`);
    }
    for (const { level, table, parts, of } of LEVELS) {
      const { rows: found } = await client.query(
        `WITH ${WAITING}, computed AS (${added(level, parts)}), stored AS (${
          added(level, rows(table))
        })
         SELECT bucket, site_id, agent_id, s.content AS stored, c.content AS computed
         FROM stored AS s FULL JOIN computed AS c USING (bucket, site_id, agent_id)
         WHERE s.content IS DISTINCT FROM c.content
           AND NOT EXISTS (
             SELECT FROM waiting AS w WHERE w.site_id = coalesce(s.site_id, c.site_id)
               AND date_trunc('${level}', w.bucket) = coalesce(s.bucket, c.bucket)
               AND array_position('{hour,day,month}', w.level)
                 <= array_position('{hour,day,month}', '${level}')
           )
           AND coalesce(s.bucket, c.bucket) >= coalesce(
             (SELECT dropped_before FROM retention WHERE what = '${of}'), '-infinity')
         LIMIT 10`,
      );
      for (const { bucket, site_id, stored, computed } of found) {
        const when = `${table} at ${bucket.toISOString()} of site ${site_id}`;
        wrong.push(`${when}: stored "${stored}", computed "${computed}"`);
      }
    }
    wrong.push(...await wrongChanges(client));
    await client.query("COMMIT");
    failed = false;
    return wrong;
  } finally {
    client.release(failed);
  }
}

/** Of sites of which nothing waits. Where results were dropped, what changed among them is not known. */
async function wrongChanges(client: pg.ClientBase): Promise<string[]> {
  const { rows: found } = await client.query(
    `WITH ${WAITING}, settled AS (
       SELECT id FROM sites WHERE NOT EXISTS (
         SELECT FROM waiting WHERE site_id = id AND level = 'hour')
         AND NOT EXISTS (SELECT FROM retention WHERE what = 'raw' AND dropped_before IS NOT NULL)
     ), computed AS (
       SELECT ts, site_id, agent_id, state, response_code, reason, error_class, error_message FROM (
         SELECT *, lag(state) OVER (PARTITION BY site_id, agent_id ORDER BY ts) AS before FROM (
           SELECT *, CASE WHEN maintenance THEN 4 ELSE verdict END::int2 AS state FROM check_results
         ) AS r
       ) AS r LEFT JOIN reasons AS w ON w.id = reason_id
       WHERE state IS DISTINCT FROM before AND site_id IN (TABLE settled)
     ), stored AS (
       SELECT ts, site_id, agent_id, state, response_code, reason, error_class, error_message
       FROM verdict_changes WHERE site_id IN (TABLE settled)
     )
     (SELECT 'is not noted' AS what, * FROM (TABLE computed EXCEPT TABLE stored) AS r LIMIT 5)
     UNION ALL
     (SELECT 'is none', * FROM (TABLE stored EXCEPT TABLE computed) AS r LIMIT 5)`,
  );
  return found.map(({ ts, site_id, state, what }) =>
    `the change to ${state} at ${ts.toISOString()} of site ${site_id} ${what}`
  );
}
