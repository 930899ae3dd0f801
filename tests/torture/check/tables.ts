import type pg from "pg";
import type { Incident } from "./compare_alerts.ts";

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

/** A row of check_results with all that it refers to, under the names of a message. */
export interface ResultRow {
  ts: string;
  agent: string;
  url: string;
  responseTime: number | null;
  errorMessage: string | null;
  /** From when the check was due until it started, milliseconds. */
  lateness: number | null;
  /** All others: see content.ts. */
  [field: string]: unknown;
}

/** A chain of certificates that a site showed. */
export interface ShownChain {
  agent: string;
  url: string;
  /** The time of a result that showed it. */
  firstSeen: string;
  /** Of its certificates, as a message has them. */
  chain: readonly unknown[];
}

export interface Letter {
  partition: number;
  offset: string;
  /** Of a batch that nobody could read, its last record's; null: of one record. */
  lastOffset: string | null;
  /** SHA-256 each, hexadecimal; null where there is none. */
  keyHash: string | null;
  valueHash: string | null;
  reason: string;
}

/** What is stored at the end. */
export interface Tables {
  daily: readonly DailyRow[];
  results: readonly ResultRow[];
  chains: readonly ShownChain[];
  letters: readonly Letter[];
  /** By partition. */
  nextOffsets: ReadonlyMap<number, bigint>;
}

/** Reads what alerters have made of the topic. */
export async function readIncidents(pool: pg.Pool): Promise<Incident[]> {
  const iso = (time: string) =>
    `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const { rows } = await pool.query(
    `SELECT url, agent::text, kind, ${iso("opened_at")} AS "openedAt",
       ${iso("closed_at")} AS "closedAt",
       concat_ws(' ', severity, cause, locations, evidence, labels) AS content
     FROM incidents LEFT JOIN sites AS s ON s.id = site_id WHERE channel IS NULL`,
  );
  return rows;
}

const TIMESTAMP = "'YYYY-MM-DD HH24:MI:SS.US'";

/** Bytes as a message has a fingerprint: "AB:CD:...". */
function hex(bytes: string): string {
  return `rtrim(regexp_replace(upper(encode(${bytes}, 'hex')), '(..)', '\\1:', 'g'), ':')`;
}

/** Reads all with SQL of its own. */
export async function readTables(pool: pg.Pool, topic: string): Promise<Tables> {
  const daily = await pool.query(
    `SELECT to_char(ts, ${TIMESTAMP}) AS ts, agent::text, url, regexresult, responsecode,
       responsetime, errormessage FROM mon_daily`,
  );
  const results = await pool.query(
    `SELECT to_char(ts AT TIME ZONE 'UTC', ${TIMESTAMP}) AS ts, a.identity::text AS agent, url,
       name AS site, regex_result AS "regexResult", response_code AS "responseCode",
       response_time AS "responseTime", error_message AS "errorMessage",
       ('{up,degraded,down,unknown}'::text[])[verdict + 1] AS verdict, reason,
       error_class AS "errorClass", first_reason AS "firstReason", lateness, frequency, slots, attempts,
       loop_delay AS "loopDelay",
       CASE WHEN dns_ms IS NOT NULL THEN json_build_object('dns', dns_ms, 'connect', connect_ms,
         'tls', tls_ms, 'firstByte', first_byte_ms, 'download', download_ms) END AS phases,
       body_bytes AS "bodyBytes", body_truncated AS "bodyTruncated",
       host(remote_address) AS "remoteAddress", http_version AS "httpVersion", redirects,
       CASE WHEN verified IS NOT NULL THEN json_build_object('version', tls_version,
         'cipher', cipher, 'verified', verified, 'error', tls_error,
         'expiresAt', to_char(expires_at AT TIME ZONE 'UTC', ${TIMESTAMP}),
         'fingerprint', ${hex("fingerprint")}) END AS tls,
       location, labels, site_labels AS "siteLabels", maintenance,
       CASE WHEN headers IS NOT NULL THEN json_build_object('statusLine', status_line,
         'headers', headers, 'body', body) END AS evidence
     FROM check_results AS r
     JOIN sites AS s ON s.id = site_id
     JOIN agents AS a ON a.id = agent_id
     LEFT JOIN reasons AS w ON w.id = reason_id
     LEFT JOIN contexts AS c ON c.id = context_id
     LEFT JOIN connections AS n ON n.id = connection_id
     LEFT JOIN evidence AS e USING (ts, site_id, agent_id)`,
  );
  const chains = await pool.query(
    `SELECT a.identity::text AS agent, url,
       to_char(first_seen AT TIME ZONE 'UTC', ${TIMESTAMP}) AS "firstSeen", ARRAY(
       SELECT json_build_object('subject', subject, 'issuer', issuer, 'names', names,
         'serial', serial, 'fingerprint', ${hex("c.fingerprint")},
         'notBefore', to_char(not_before AT TIME ZONE 'UTC', ${TIMESTAMP}),
         'notAfter', to_char(not_after AT TIME ZONE 'UTC', ${TIMESTAMP}))
       FROM unnest(chain) WITH ORDINALITY AS u(fingerprint, place)
       LEFT JOIN certificates AS c ON c.fingerprint = u.fingerprint ORDER BY place
     ) AS chain
     FROM site_certificates
     JOIN sites AS s ON s.id = site_id
     JOIN agents AS a ON a.id = agent_id`,
  );
  const letters = await pool.query(
    `SELECT partition, "offset"::text, last_offset::text AS "lastOffset", encode(sha256(key), 'hex') AS "keyHash",
       encode(sha256(value), 'hex') AS "valueHash", reason FROM dead_letters`,
  );
  const offsets = await pool.query(
    "SELECT partition, next_offset::text FROM consumer_offsets WHERE consumer = 'writer' AND topic = $1",
    [topic],
  );
  return {
    daily: daily.rows,
    results: results.rows,
    chains: chains.rows,
    letters: letters.rows,
    nextOffsets: new Map(offsets.rows.map((row) => [row.partition, BigInt(row.next_offset)])),
  };
}
