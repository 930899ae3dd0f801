import type { ClientBase } from "pg";
import { OLDER_TABLE } from "./older_table.ts";

/** How far it is. */
export interface CarryOverProgress {
  /** Rows. */
  done: number;
  /** Null where nobody knows. */
  total: number | null;
}

/** Runs a step in a transaction of its own. */
export type Step = <T>(work: () => Promise<T>) => Promise<T>;

/** Pages of 8 KiB read at a time: some 80,000 rows, a progress report each. */
const CHUNK_PAGES = 1000;

/** A row that makes a result: with an identity, and a time that the message's format can write. */
const COMPLETE = `o.agent IS NOT NULL AND o.url IS NOT NULL
  AND o.ts >= '0001-01-01' AND o.ts < '10000-01-01'`;

const RESULT_COLUMNS =
  "ts, response_time, site_id, agent_id, response_code, verdict, regex_result, reason_id";
/** The verdict of a message that has none, see wire/verdict_of.ts. */
const RESULT_VALUES = `o.ts AT TIME ZONE 'UTC' AS ts, o.responsetime::float4 AS response_time,
  s.id AS site_id, a.id AS agent_id, o.responsecode AS response_code,
  CASE WHEN o.responsecode BETWEEN 200 AND 399 AND o.errormessage IS NULL THEN 0 ELSE 2 END::int2
    AS verdict,
  o.regexresult AS regex_result, w.id AS reason_id`;
const CHUNK = `FROM ONLY ${OLDER_TABLE} o
  JOIN sites s ON s.identity = httpmon_site_identity(NULL, o.url)
  JOIN agents a ON a.identity = o.agent
  LEFT JOIN reasons w ON w.identity = ${reasonIdentity("o.errormessage")}
  WHERE o.ctid >= $1::tid AND o.ctid < $2::tid AND ${COMPLETE}`;

/**
 * Copies every row of the older program's table, renamed already, into the new tables, in steps that
 * can be interrupted and resumed: the table `carry_over` knows how far it is.
 *
 * The older program could store a result twice. The row count stays: the second row of an identity
 * (ts, agent, url) takes the next free microsecond. A row without an identity becomes a dead letter.
 *
 * @returns Rows; null where there is no such table
 * @throws Where not every row arrived
 */
export async function carryOver(
  client: ClientBase,
  step: Step,
  onProgress: (progress: CarryOverProgress) => unknown = () => {},
): Promise<number | null> {
  if (!await step(() => begin(client))) return null;
  while (true) {
    const { done, total, finished } = await step(() => copyChunk(client));
    await onProgress({ done, total });
    if (finished) break;
  }
  while (await step(() => placeRepeated(client)) > 0);
  const total = await step(() => finish(client));
  // What autovacuum would do some day; until then each look at a day would read a whole year.
  await client.query(
    `SELECT brin_summarize_new_values(inhrelid) FROM pg_inherits
     WHERE inhparent = 'check_results_ts'::regclass;
     ANALYZE check_results`,
  );
  return total;
}

/** @returns Whether there is something to carry over */
async function begin(client: ClientBase): Promise<boolean> {
  const { rows: [found] } = await client.query(
    "SELECT to_regclass($1) AS older, to_regclass('carry_over') AS begun",
    [OLDER_TABLE],
  );
  if (found.older === null) return false;
  if (found.begun !== null) return true;
  await makePartitions(client);
  await client.query(
    `INSERT INTO sites (url) SELECT DISTINCT url FROM ONLY ${OLDER_TABLE} o WHERE ${COMPLETE};
     INSERT INTO agents (identity)
       SELECT DISTINCT agent FROM ONLY ${OLDER_TABLE} o WHERE ${COMPLETE};
     INSERT INTO reasons (error_message, identity)
       SELECT errormessage, ${reasonIdentity("errormessage")} FROM (
         SELECT DISTINCT errormessage FROM ONLY ${OLDER_TABLE} o
         WHERE errormessage IS NOT NULL AND ${COMPLETE}
       ) AS messages;
     ANALYZE sites, agents, reasons, ${OLDER_TABLE};
     CREATE TABLE carry_over_repeated (n int8 GENERATED ALWAYS AS IDENTITY, LIKE check_results);
     CREATE TABLE carry_over AS
       SELECT 0::int8 AS next_page, 0::int8 AS done, count(*)::int8 AS total,
         pg_relation_size('${OLDER_TABLE}') / current_setting('block_size')::int8 AS pages
       FROM ONLY ${OLDER_TABLE}`,
  );
  return true;
}

/** One for each year, as a thousand daily ones are slow to plan over; from tomorrow on by day. */
async function makePartitions(client: ClientBase): Promise<void> {
  const { rows } = await client.query(
    `WITH parts AS (
       SELECT DISTINCT date_trunc(CASE WHEN ts < tomorrow THEN 'year' ELSE 'day' END, ts) AS start,
         ts < tomorrow AS past, tomorrow
       FROM ONLY ${OLDER_TABLE} o,
         (SELECT date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day' AS tomorrow) AS t
       WHERE ${COMPLETE}
     )
     SELECT past, to_char(start, 'YYYY') AS year, start::date::text AS from_day,
       least(start + interval '1 year', tomorrow)::date::text AS to_day
     FROM parts ORDER BY start`,
  );
  for (const { past, year, from_day, to_day } of rows) {
    if (!past) continue;
    await client.query(
      `CREATE TABLE check_results_p${year} PARTITION OF check_results
       FOR VALUES FROM ('${from_day} 00:00+00') TO ('${to_day} 00:00+00')`,
    );
  }
  await makeDays(client, rows.filter((row) => !row.past).map((row) => row.from_day));
}

/** Also of days that no message could make partitions of. */
async function makeDays(client: ClientBase, days: readonly string[]): Promise<void> {
  await client.query("SELECT httpmon_ensure_partitions_of('check_results', $1::date[])", [days]);
}

async function copyChunk(
  client: ClientBase,
): Promise<CarryOverProgress & { finished: boolean }> {
  const { rows: [state] } = await client.query("SELECT * FROM carry_over FOR UPDATE");
  const page = Number(state.next_page);
  if (page >= Number(state.pages)) {
    return { done: Number(state.done), total: Number(state.total), finished: true };
  }
  const range: [string, string] = [`(${page},0)`, `(${page + CHUNK_PAGES},0)`];
  const { rows: [chunk] } = await client.query(
    `SELECT count(*)::int4 AS rows, (count(*) FILTER (WHERE ${COMPLETE}))::int4 AS complete
     FROM ONLY ${OLDER_TABLE} o WHERE o.ctid >= $1::tid AND o.ctid < $2::tid`,
    range,
  );
  await client.query("SAVEPOINT chunk");
  const copied = await client.query(
    `INSERT INTO check_results (${RESULT_COLUMNS})
     SELECT ${RESULT_VALUES} ${CHUNK} ON CONFLICT DO NOTHING`,
    range,
  );
  if (copied.rowCount !== chunk.complete) {
    await client.query("ROLLBACK TO SAVEPOINT chunk");
    await copyChunkWithRepeated(client, range);
  }
  if (chunk.complete < chunk.rows) await setIncompleteAside(client, range);
  await client.query(
    `INSERT INTO rollup_marks
     SELECT date_trunc('hour', o.ts) AT TIME ZONE 'UTC', array_agg(DISTINCT s.id)
     ${CHUNK} GROUP BY 1`,
    range,
  );
  const { rows: [next] } = await client.query(
    "UPDATE carry_over SET next_page = next_page + $1, done = done + $2 RETURNING done, total",
    [CHUNK_PAGES, chunk.rows],
  );
  return { done: Number(next.done), total: Number(next.total), finished: false };
}

/** As the statement above at twice the cost, but it knows which rows did not go in. */
async function copyChunkWithRepeated(client: ClientBase, range: [string, string]): Promise<void> {
  await client.query(
    `WITH numbered AS MATERIALIZED (
       SELECT ${RESULT_VALUES},
         row_number() OVER (PARTITION BY s.id, a.id, o.ts ORDER BY o.ctid) AS nth
       ${CHUNK}
     ), copied AS (
       INSERT INTO check_results (${RESULT_COLUMNS})
       SELECT ${RESULT_COLUMNS} FROM numbered WHERE nth = 1
       ON CONFLICT DO NOTHING
       RETURNING site_id, agent_id, ts
     )
     INSERT INTO carry_over_repeated (${RESULT_COLUMNS})
     SELECT ${RESULT_COLUMNS} FROM numbered
     WHERE nth > 1 OR NOT EXISTS (
       SELECT FROM copied
       WHERE copied.site_id = numbered.site_id AND copied.agent_id = numbered.agent_id
         AND copied.ts = numbered.ts
     )`,
    range,
  );
}

async function setIncompleteAside(client: ClientBase, range: [string, string]): Promise<void> {
  await client.query(
    `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
     SELECT '', '${OLDER_TABLE}', 0,
       ((o.ctid::text::point)[0]::int8 << 16) + (o.ctid::text::point)[1]::int8,
       convert_to(row_to_json(o)::text, 'UTF8'), 'missing_field',
       'The row''s ts, agent or url is null, or its ts is no date'
     FROM ONLY ${OLDER_TABLE} o
     WHERE o.ctid >= $1::tid AND o.ctid < $2::tid AND (${COMPLETE}) IS NOT TRUE`,
    range,
  );
}

/**
 * Gives each repeated row a free microsecond after its own time. Those of one identity spread out at
 * once (k rows take +1 ... +k), so that few rounds are needed even for thousands of them.
 *
 * @returns How many rows were still to be placed
 */
async function placeRepeated(client: ClientBase): Promise<number> {
  const moved = await client.query(
    `UPDATE carry_over_repeated AS r SET ts = ts + spread.nth * interval '1 microsecond'
     FROM (
       SELECT n, row_number() OVER (PARTITION BY site_id, agent_id, ts ORDER BY n) AS nth
       FROM carry_over_repeated
     ) AS spread
     WHERE r.n = spread.n`,
  );
  if (!moved.rowCount) return 0;
  const { rows } = await client.query(
    "SELECT DISTINCT (ts AT TIME ZONE 'UTC')::date::text AS day FROM carry_over_repeated",
  );
  await makeDays(client, rows.map(({ day }) => day));
  await client.query(
    `WITH chosen AS MATERIALIZED (
       SELECT DISTINCT ON (site_id, agent_id, ts) * FROM carry_over_repeated
       ORDER BY site_id, agent_id, ts, n
     ), placed AS (
       INSERT INTO check_results (${RESULT_COLUMNS}) SELECT ${RESULT_COLUMNS} FROM chosen
       ON CONFLICT DO NOTHING
       RETURNING site_id, agent_id, ts
     ), marked AS (
       INSERT INTO rollup_marks
       SELECT date_trunc('hour', ts, 'UTC'), array_agg(DISTINCT site_id) FROM placed GROUP BY 1
     )
     DELETE FROM carry_over_repeated AS r
     USING chosen JOIN placed USING (site_id, agent_id, ts)
     WHERE r.n = chosen.n`,
  );
  return moved.rowCount;
}

async function finish(client: ClientBase): Promise<number> {
  const { rows: [count] } = await client.query(
    `SELECT (SELECT total FROM carry_over), (SELECT count(*) FROM check_results)::int8 AS results,
       (SELECT count(*) FROM dead_letters WHERE topic = '${OLDER_TABLE}')::int8 AS set_aside`,
  );
  const total = Number(count.total);
  if (Number(count.results) + Number(count.set_aside) !== total) {
    throw new Error(
      `Of ${total} rows of mon_daily, ${count.results} results and ${count.set_aside} dead letters ` +
        `arrived; they are all still in "${OLDER_TABLE}"`,
    );
  }
  await copyGrants(client);
  await client.query(
    `COMMENT ON TABLE ${OLDER_TABLE} IS 'carried over into check_results, kept as it was';
     DROP TABLE carry_over, carry_over_repeated`,
  );
  return total;
}

/** As the writer finds a reason that has a message alone, see db/store/shared.ts. */
function reasonIdentity(message: string): string {
  return `encode(substring(sha256(convert_to(
    '["reason",null,null,' || to_json(${message}::text)::text || ']', 'UTF8')) for 16), 'hex')::uuid`;
}

/** Who could read the table can read the view. */
async function copyGrants(client: ClientBase): Promise<void> {
  await client.query(
    `DO $$
     DECLARE
       reader text;
     BEGIN
       FOR reader IN
         SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
         FROM pg_class, aclexplode(relacl)
         WHERE oid = '${OLDER_TABLE}'::regclass AND privilege_type = 'SELECT'
       LOOP
         EXECUTE 'GRANT SELECT ON mon_daily TO ' || reader;
       END LOOP;
     END
     $$`,
  );
}
