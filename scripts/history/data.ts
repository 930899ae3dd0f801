import type { ClientBase } from "pg";
import { ensurePartitions, partitionDays } from "../../db/schema/partitions.ts";

/** A server of some memory; nothing here has to survive a crash. */
export const SERVER = {
  shared_buffers: "1GB",
  max_wal_size: "8GB",
  fsync: "off",
  full_page_writes: "off",
  max_locks_per_transaction: "256",
};

/** How much history: of the first sites there are hourly rows and results too, for so many days. */
export interface Sizes {
  /** With daily and monthly rows. */
  sites: number;
  days: number;
  hourlySites: number;
  hourlyDays: number;
  /** With a result a minute. */
  resultSites: number;
  resultDays: number;
}

/** Each site is down for five minutes a week, at a minute of its own, by "$1" (of 1970's weeks). */
const WEEK = 10_080;
const DOWN_MINUTES = 5;
const downFrom = (site: string) => `(${site} * 6190) % ${WEEK}`;
/** Its minutes down in the span of rows that begin at `bucket`; no failure crosses an hour's end. */
const downIn = (site: string, bucket: string, minutes: number) =>
  `CASE WHEN (${downFrom(site)} - extract(epoch FROM ${bucket})::int8 / 60 % ${WEEK} + ${WEEK})
     % ${WEEK} < ${minutes} THEN ${DOWN_MINUTES} ELSE 0 END`;

/** How a site answers: some are ten times as slow as others. */
const MS = (site: string, random: string) =>
  `(20 + ${site} * 7919 % 200) * exp((random() + random() + ${random} - 1.5) * 0.8)`;

const LEVELS: Record<string, { minutes: number; step: string }> = {
  hourly: { minutes: 60, step: "hour" },
  daily: { minutes: 1440, step: "day" },
  monthly: { minutes: 43_200, step: "month" },
};

/**
 * Fills an empty schema with the history of `sizes` up to `now`, as writers and a maintainer leave it:
 * hours and days that are over, months up to today. Sketches are those of a few hundred sites, used
 * again and again.
 *
 * @param now Milliseconds since 1970
 * @param print Told what comes next
 */
export async function fillHistory(
  client: ClientBase,
  sizes: Sizes,
  now: number,
  print: (line: string) => void,
): Promise<void> {
  const hour = `'${new Date(Math.floor(now / 3_600_000) * 3_600_000).toISOString()}'::timestamptz`;
  const today = dayOf(now);
  const until = `to_timestamp(${now / 1000})`;
  const run = (sql: string) => client.query(sql);
  await run(
    "SET timezone = 'UTC'; SET synchronous_commit = off; SET work_mem = '256MB'; SELECT setseed(0.5)",
  );
  print("sites");
  await fillSites(client, sizes.sites, today);
  print(
    `${sizes.resultDays} days of results of ${sizes.resultSites} sites, and the last two hours of all`,
  );
  await fillResults(client, sizes.resultSites, sizes.resultDays, now);
  const already = sizes.resultSites + 1;
  await run(results(today, [already, sizes.sites], `${hour} - interval '1 hour'`, until));

  // A sketch of 60, 1440 and 43,200 results of each of some sites; later ones are like one of these.
  await run(`CREATE TEMP TABLE drawn AS
    SELECT level, like_site, sum(n) FILTER (WHERE phase = 0)::int AS responses,
      min(ms) FILTER (WHERE phase = 0)::float4 AS least, max(ms) FILTER (WHERE phase = 0)::float4 AS most,
      sum(ms * n) FILTER (WHERE phase = 0) AS total,
      array_agg(key << 22 | n ORDER BY key) AS sketch
    FROM (
      SELECT level, like_site, phase, key, count(*)::int * weight AS n, avg(ms) AS ms
      FROM (
        SELECT level, like_site, phase, weight,
          ${MS("like_site", "random()")} * CASE WHEN phase = 0 THEN 1 ELSE 0.2 END AS ms
        FROM (VALUES (60, 60, 1), (1440, 720, 2), (43200, 720, 60)) AS size(level, drawn, weight),
          generate_series(0, 199) AS like_site, generate_series(0, 5) AS phase,
          generate_series(1, drawn)
      ) AS one, LATERAL (SELECT httpmon_sketch_key(phase, ms::float4) AS key) AS bin
      GROUP BY level, like_site, phase, key, weight
    ) AS bins GROUP BY level, like_site;
    ANALYZE drawn`);
  // Day by day, as a maintainer appends them.
  const rollup = async (table: string, sites: number, days: number, until: number) => {
    for (let day = days; day > until; day--) {
      await run(
        rows(
          table,
          `${today} - interval '${day} days'`,
          `${today} - interval '${day - 1} days'`,
          sites,
        ),
      );
    }
  };
  print(
    `${sizes.hourlyDays} days of hourly rows of ${sizes.hourlySites} sites, the last two of all`,
  );
  await rollup("hourly", sizes.hourlySites, sizes.hourlyDays, 1);
  await rollup("hourly", sizes.sites, 1, 0);
  await run(rows("hourly", today, hour, sizes.sites));
  print(`${sizes.days} days of daily and monthly rows of ${sizes.sites} sites`);
  await rollup("daily", sizes.sites, sizes.days, 0);
  const first = `date_trunc('month', ${today} - interval '${sizes.days} days', 'UTC')`;
  await run(rows("monthly", first, today, sizes.sites));
  print("changes");
  await run(`INSERT INTO verdict_changes
    SELECT at, s, 1, state, CASE state WHEN 2 THEN 503 ELSE 200 END,
      CASE state WHEN 2 THEN 'status' END
    FROM generate_series(1, ${sizes.sites}::int8) AS s,
      generate_series(extract(epoch FROM ${first})::int8 / 604800, extract(epoch FROM ${hour})::int8 / 604800)
        AS week,
      (VALUES (0, 2::int2), (${DOWN_MINUTES}, 0::int2)) AS turn(behind, state),
      LATERAL (SELECT to_timestamp((week * ${WEEK} + ${downFrom("s")} + behind) * 60)) AS moment(at)
    WHERE at >= ${first} AND at < ${hour}
    UNION ALL
    SELECT ${first} - interval '1 minute', s, 1, 0, 200, NULL FROM generate_series(1, ${sizes.sites}) AS s
    ORDER BY 1;
    INSERT INTO verdict_last SELECT DISTINCT ON (site_id, agent_id) site_id, agent_id, ts, state
      FROM verdict_changes ORDER BY site_id, agent_id, ts DESC;
    INSERT INTO rollup_marks SELECT ${hour}, array_agg(id), ${hour} FROM sites;
    INSERT INTO retention (what, dropped_before) VALUES
      ('raw', (${today} - interval '${sizes.resultDays} days')::date),
      ('hourly', (${today} - interval '${sizes.hourlyDays} days')::date)
    ON CONFLICT (what) DO UPDATE SET dropped_before = excluded.dropped_before`);
  await catchUp(client, sizes.sites, now);
  print("vacuum and analyze");
  await run("VACUUM (ANALYZE)");

  /** The rows of a level that begin in [since, until). */
  function rows(name: string, since: string, until: string, sites: number): string {
    const { minutes, step } = LEVELS[name]!;
    return `INSERT INTO rollup_${name}
      SELECT bucket, s, 1, minutes, minutes - down, 0, down, 0, 0, total, responses, least, most, sketch
      FROM generate_series(${since}, ${until} - interval '1 second', interval '1 ${step}') AS bucket,
        LATERAL (SELECT extract(epoch FROM least(bucket + interval '1 ${step}', ${until}) - bucket)::int / 60)
          AS span(minutes),
        generate_series(1, ${sites}) AS s JOIN drawn ON level = ${minutes} AND like_site = s % 200,
        LATERAL (SELECT ${
      name === "monthly"
        ? `minutes / ${WEEK} * ${DOWN_MINUTES}`
        : downIn("s::int8", "bucket", minutes)
    }) AS fault(down)`;
  }
}

/** The day of `now`, as SQL has it. */
function dayOf(now: number): string {
  return `date_trunc('day', to_timestamp(${now / 1000}), 'UTC')`;
}

/** Sites 1 and up, "https://1.example/" for one, an agent, and what their results share. */
async function fillSites(client: ClientBase, sites: number, today: string): Promise<void> {
  await client.query(`
    INSERT INTO agents (identity) VALUES (gen_random_uuid());
    INSERT INTO contexts (location, site_labels, frequency, identity)
      VALUES ('eu-west', '{"team": "web"}', 60, gen_random_uuid());
    INSERT INTO reasons (reason, error_class, error_message, identity)
      VALUES ('status', NULL, NULL, gen_random_uuid());
    INSERT INTO sites (url) SELECT format('https://%s.example/', s)
      FROM generate_series(1, ${sites}) AS s;
    INSERT INTO connections (remote_address, http_version, tls_version, verified, expires_at,
      fingerprint, identity)
      SELECT '192.0.2.1', '1.1', 'TLSv1.3', true, ${today} + s % 90 * interval '1 day',
        sha256(s::text::bytea), gen_random_uuid()
      FROM generate_series(1, ${sites}) AS s;
    INSERT INTO certificates
      SELECT fingerprint, expires_at - interval '90 days', expires_at, 'CN=' || id || '.example',
        'CN=Example CA', id, ARRAY['DNS:' || id || '.example'], ${today} FROM connections;
    INSERT INTO site_certificates
      SELECT id, 1, ARRAY[fingerprint], expires_at - interval '90 days', ${today} FROM connections`);
}

/** Results of these sites, one a minute, of so many days before `now`'s and of that one up to `now`. */
async function fillResults(
  client: ClientBase,
  sites: number,
  days: number,
  now: number,
): Promise<void> {
  await ensurePartitions(client, partitionDays(now, -days, 1));
  for (let day = days; day >= 0; day--) {
    await client.query(results(
      `${dayOf(now)} - interval '${day} days'`,
      [1, sites],
      "'-infinity'::timestamptz",
      `to_timestamp(${now / 1000})`,
    ));
  }
}

/**
 * Fills an empty schema with results, one a minute of each site, of so many days, all of which are still
 * to be rolled up.
 *
 * @returns How many there are
 */
export async function fillMarkedResults(
  client: ClientBase,
  sites: number,
  days: number,
): Promise<number> {
  // To the last moment of a day: none is left over.
  const now = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 1;
  await client.query("SET timezone = 'UTC'; SET synchronous_commit = off; SELECT setseed(0.5)");
  await fillSites(client, sites, dayOf(now));
  await fillResults(client, sites, days - 1, now);
  await client.query("VACUUM (ANALYZE)");
  const { rows: [{ count }] } = await client.query("SELECT count(*)::int4 FROM check_results");
  await client.query("SELECT httpmon_recompute(min(ts), max(ts)) FROM check_results");
  return count;
}

/**
 * Adds what came since, as live writers and a maintainer have it: results of all sites until `now`, of
 * which the last half a minute is marked, and the rest rolled up and noted.
 *
 * @param now Milliseconds since 1970
 */
export async function catchUp(client: ClientBase, sites: number, now: number): Promise<void> {
  const until = `to_timestamp(${now / 1000})`;
  await ensurePartitions(client, partitionDays(now, -1, 1));
  const { rows: [marked] } = await client.query(
    `SELECT greatest(min(since), ${until} - interval '2 hours') AS since FROM rollup_marks`,
  );
  const since = `'${marked.since.toISOString()}'::timestamptz`;
  for (const day of partitionDays(marked.since.getTime(), 0, 1)) {
    await client.query(results(`'${day}'::timestamptz`, [1, sites], since, until));
  }
  const mark = (sql: string) => client.query(`INSERT INTO rollup_marks ${sql}`);
  await mark(
    `SELECT h, ids, greatest(h, ${since}) FROM (SELECT array_agg(id) AS ids FROM sites) AS s,
       generate_series(date_trunc('hour', ${since}), ${until}, '1 hour') AS h`,
  );
  while (true) {
    const { rows: [step] } = await client.query(`SELECT * FROM httpmon_roll_up(${until}, 20000)`);
    if (step.level === null) break;
  }
  // By batches of some sites, and by hour.
  await mark(
    `SELECT date_trunc('hour', ts), array_agg(DISTINCT site_id), min(ts) FROM check_results
     WHERE ts >= ${until} - interval '30 seconds' AND ts < ${until} GROUP BY site_id % 300, 1`,
  );
}

/** A day's results, one a minute, of the sites of a range, from `since` until `until`. */
function results(
  day: string,
  [first, last]: [number, number],
  since: string,
  until: string,
): string {
  return `INSERT INTO check_results (ts, site_id, agent_id, response_time, response_code, lateness,
      context_id, connection_id, dns_ms, connect_ms, tls_ms, first_byte_ms, download_ms, body_bytes,
      reason_id, verdict)
    SELECT ts, s, 1, ms, CASE WHEN down THEN 503 ELSE 200 END, 1, 1, s, 0.4, ms / 5, ms / 5, ms / 2,
      0.5, 12345, CASE WHEN down THEN 1 END, CASE WHEN down THEN 2 ELSE 0 END
    FROM generate_series(${day}, ${day} + interval '1439 minutes', interval '1 minute') AS minute,
      generate_series(${first}, ${last}) AS s,
      LATERAL (SELECT minute + s % 60 * interval '1 second', ${MS("s", "random()")},
        (extract(epoch FROM minute)::int8 / 60 - ${downFrom("s::int8")} + ${WEEK}) % ${WEEK}
          < ${DOWN_MINUTES}) AS result(ts, ms, down)
    WHERE minute >= ${since} - interval '1 minute' AND ts >= ${since} AND ts < ${until}
    ON CONFLICT DO NOTHING`;
}
