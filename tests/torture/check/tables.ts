import type pg from "pg";

/** A row of mon_daily. */
export interface DailyRow {
  /** "YYYY-MM-DD HH:MM:SS.ffffff", as everywhere here. */
  ts: string;
  agent: string;
  url: string;
  regexresult: boolean | null;
  responsecode: number | null;
  responsetime: number | null;
  errormessage: string | null;
}

/** A row of check_results. */
export interface ResultRow {
  ts: string;
  agent: string;
  url: string;
  regexResult: boolean | null;
  responseCode: number | null;
  responseTime: number | null;
  errorMessage: string | null;
  /** 0 up, 1 degraded, 2 down, 3 unknown. */
  verdict: number;
  reason: string | null;
  errorClass: string | null;
  scheduledAt: string | null;
}

export interface Letter {
  partition: number;
  offset: string;
  /** SHA-256 each, hexadecimal; null where there is none. */
  keyHash: string | null;
  valueHash: string | null;
  reason: string;
}

/** What is stored at the end. */
export interface Tables {
  daily: readonly DailyRow[];
  results: readonly ResultRow[];
  letters: readonly Letter[];
  /** By partition. */
  nextOffsets: ReadonlyMap<number, bigint>;
}

const TIMESTAMP = "'YYYY-MM-DD HH24:MI:SS.US'";

/** Reads all with SQL of its own. */
export async function readTables(pool: pg.Pool, topic: string): Promise<Tables> {
  const daily = await pool.query(
    `SELECT to_char(ts, ${TIMESTAMP}) AS ts, agent::text, url, regexresult, responsecode,
       responsetime, errormessage FROM mon_daily`,
  );
  const results = await pool.query(
    `SELECT to_char(ts AT TIME ZONE 'UTC', ${TIMESTAMP}) AS ts, agents.identity::text AS agent, url,
       regex_result AS "regexResult", response_code AS "responseCode",
       response_time AS "responseTime", error_message AS "errorMessage", verdict, reason,
       error_class AS "errorClass",
       to_char(
         (ts - lateness::float8 * interval '1 millisecond') AT TIME ZONE 'UTC', ${TIMESTAMP}
       ) AS "scheduledAt"
     FROM check_results JOIN sites ON sites.id = site_id JOIN agents ON agents.id = agent_id
     LEFT JOIN reasons ON reasons.id = reason_id`,
  );
  const letters = await pool.query(
    `SELECT partition, "offset"::text, encode(sha256(key), 'hex') AS "keyHash",
       encode(sha256(value), 'hex') AS "valueHash", reason FROM dead_letters`,
  );
  const offsets = await pool.query(
    "SELECT partition, next_offset::text FROM consumer_offsets WHERE topic = $1",
    [topic],
  );
  return {
    daily: daily.rows,
    results: results.rows,
    letters: letters.rows,
    nextOffsets: new Map(offsets.rows.map((row) => [row.partition, BigInt(row.next_offset)])),
  };
}
