import type { Pool } from "pg";
import type { Seen } from "../now/judge.ts";
import type { Range } from "./range.ts";
import type { Counts } from "./ring.ts";
import { literal, MS } from "../sql.ts";

export const PHASES = ["dns", "connect", "tls", "first_byte", "download"] as const;

/** Milliseconds; null without a response. */
type Figure<Name extends string> = Record<Name, number | null>;
export type Quantiles = Figure<"p50" | "p95" | "p99">;

/** A point of a site's charts: slots, and milliseconds. */
export interface Point extends Counts, Quantiles, Figure<typeof PHASES[number]> {
  /** Its start, milliseconds since 1970. */
  at: number;
  checks: number;
}

const POINT =
  `sum(checks)::float8 AS checks, sum(up)::float8 AS up, sum(degraded)::float8 AS degraded,
  sum(down)::float8 AS down, sum(unknown)::float8 AS unknown, sum(maintenance)::float8 AS maintenance`;

/** The points of a site's charts, of an agent alone where one is given; what has no result is missing. */
export async function seriesOf(
  pool: Pool,
  id: number,
  agent: number | null,
  range: Range,
): Promise<Point[]> {
  return (await pool.query(seriesSql(id, agent, range))).rows;
}

/** SQL for it: of rollups, or of results, by steps of any length and with exact percentiles. */
export function seriesSql(id: number, agent: number | null, range: Range): string {
  const [since, until] = [literal(range.since), literal(range.until)];
  if (range.step !== "results") {
    return `SELECT ${
      MS("bucket", "at")
    }, checks::float8, up::float8, degraded::float8, down::float8,
  unknown::float8, maintenance::float8, p50, p95, p99, ${PHASES.join(", ")}
FROM httpmon_series(ARRAY[${id}], ${since}, ${until}, '${range.step}', ${agent !== null})${
      agent === null ? "" : ` WHERE agent_id = ${agent}`
    }`;
  }
  const slots = (what: string) =>
    `coalesce(sum(coalesce(slots, 1)) FILTER (WHERE ${what}), 0)::float8`;
  const q = (column: string, share: number, filter: string) =>
    `(percentile_disc(${share}) WITHIN GROUP (ORDER BY ${column}) FILTER (WHERE ${filter}))::float8`;
  const figures = [
    ...VERDICTS.map((name, n) => `${slots(`verdict = ${n} AND NOT in_maintenance`)} AS ${name}`),
    `${slots("in_maintenance")} AS maintenance`,
    ...[50, 95, 99].map((p) => `${q("response_time", p / 100, "counts")} AS p${p}`),
    ...PHASES.map((name) => `${q(`${name}_ms`, 0.5, `counts AND ${name}_ms > 0`)} AS ${name}`),
  ];
  const bin = `date_bin('${range.stepMs} ms', ts, ${since}::timestamptz)`;
  return `SELECT ${MS(bin, "at")}, count(*)::float8 AS checks,
  ${figures.join(",\n  ")}
FROM (
  SELECT *, maintenance IS TRUE AS in_maintenance,
    response_code IS NOT NULL AND verdict < 3 AND maintenance IS NOT TRUE AS counts
  FROM check_results
  WHERE site_id = ${id}${
    agent === null ? "" : ` AND agent_id = ${agent}`
  } AND ts >= ${since} AND ts < ${until}
) AS r
GROUP BY 1 ORDER BY 1`;
}

const VERDICTS = ["up", "degraded", "down", "unknown"] as const;

/** A run of failures of a site, with what was seen at its start. */
export interface Failure {
  started: number;
  /** Null: it lasts. */
  ended: number | null;
  agents: number;
  responseCode: number | null;
  reason: string | null;
  errorMessage: string | null;
  evidence: Evidence | null;
  /** That the site showed to the first result of it; empty: none, or it is not kept any more. */
  chain: Certificate[];
}

/** What a site answered. */
export interface Evidence {
  at: number;
  statusLine: string | null;
  headers: Readonly<Record<string, string>>;
  body: string | null;
}

/** The newest runs of failures, with their evidence where it is kept. */
export async function failuresOf(
  pool: Pool,
  id: number,
  range: Pick<Range, "since" | "until">,
  most: number,
): Promise<Failure[]> {
  const { rows } = await pool.query(
    `SELECT ${MS("started")}, started::text AS first, ${
      MS("ended")
    }, cardinality(agent_ids) AS agents,
       f.response_code AS "responseCode", f.reason, f.error_message AS "errorMessage",
       CASE WHEN e.ts IS NOT NULL THEN jsonb_build_object('at', extract(epoch FROM e.ts)::float8 * 1000,
         'statusLine', e.status_line, 'headers', e.headers, 'body', e.body) END AS evidence
     FROM (
       SELECT * FROM httpmon_failures(ARRAY[$1::int4], $2, $3) ORDER BY started DESC LIMIT $4
     ) AS f
     LEFT JOIN LATERAL (
       SELECT * FROM evidence
       WHERE site_id = $1 AND agent_id = ANY (f.agent_ids) AND ts >= f.started
         AND ts < least(coalesce(f.ended, 'infinity'), f.started + interval '1 hour')
       ORDER BY ts LIMIT 1
     ) AS e ON true
     ORDER BY started DESC`,
    [id, new Date(range.since), new Date(range.until), most],
  );
  const chains = await certificatesOf(
    pool,
    // By its times, so that only their days are read.
    `SELECT DISTINCT ON (r.ts) r.ts::text AS of, (
       SELECT chain FROM site_certificates AS s
       WHERE s.site_id = r.site_id AND s.agent_id = r.agent_id AND chain[1] = k.fingerprint
       ORDER BY last_seen DESC, first_seen DESC LIMIT 1
     ) AS chain
     FROM check_results AS r JOIN connections AS k ON k.id = r.connection_id
     WHERE r.site_id = $1 AND r.ts = ANY ($2)`,
    [id, rows.map(({ first }) => first)],
  );
  return rows.map(({ first, ...failure }) => ({ ...failure, chain: chains.get(first) ?? [] }));
}

/** What an agent saw of a site in a range. */
export interface FromAgent extends Counts {
  agentId: number;
  agent: string;
  /** Where it stands, or its UUID. */
  place: string;
  checks: number;
}

export async function byAgent(
  pool: Pool,
  id: number,
  range: Range,
  seen: readonly Seen[],
): Promise<FromAgent[]> {
  const { rows } = await pool.query(
    `SELECT agent_id AS "agentId", identity AS agent, ${POINT}
     FROM httpmon_rollup(ARRAY[$1::int4], $2, $3) JOIN agents ON agents.id = agent_id
     GROUP BY 1, 2 ORDER BY 1`,
    [id, new Date(range.since), new Date(range.until)],
  );
  return rows.map((row) => ({
    ...row,
    place: seen.find(({ agentId }) => agentId === row.agentId)?.location ?? row.agent,
  }));
}

/** A certificate of a chain that a site showed. */
export interface Certificate {
  subject: string;
  issuer: string;
  notBefore: number;
  notAfter: number;
  names: string[];
  fingerprint: string;
}

/** The chain that was shown last, the site's own certificate first. */
export async function chainOf(pool: Pool, id: number): Promise<Certificate[]> {
  const chains = await certificatesOf(
    pool,
    `SELECT '' AS of, chain FROM site_certificates WHERE site_id = $1
     ORDER BY last_seen DESC, first_seen DESC LIMIT 1`,
    [id],
  );
  return chains.get("") ?? [];
}

/** The certificates of chains, by what they are of. @param shown SQL that gives "of" and "chain" */
async function certificatesOf(pool: Pool, shown: string, values: unknown[]) {
  const { rows } = await pool.query<Certificate & { of: string }>(
    `SELECT shown.of, subject, issuer, ${MS("not_before", `"notBefore"`)},
       ${MS("not_after", `"notAfter"`)}, names, encode(c.fingerprint, 'hex') AS fingerprint
     FROM (${shown}) AS shown
     CROSS JOIN LATERAL unnest(chain) WITH ORDINALITY AS link(fingerprint, place)
     JOIN certificates AS c ON c.fingerprint = link.fingerprint ORDER BY place`,
    values,
  );
  return Map.groupBy(rows, ({ of }) => of);
}

export async function quantilesOf(pool: Pool, id: number, range: Range): Promise<Quantiles> {
  const { rows } = await pool.query(
    "SELECT p50, p95, p99 FROM httpmon_percentiles_of(ARRAY[$1::int4], $2, $3)",
    [id, new Date(range.since), new Date(range.until)],
  );
  return rows[0] ?? { p50: null, p95: null, p99: null };
}

/** A site that may not have been heard of lately. */
export async function siteNamed(
  pool: Pool,
  id: number,
): Promise<{ id: number; name: string; url: string; isNamed: boolean } | null> {
  const { rows } = await pool.query(
    `SELECT id, coalesce(name, url) AS name, url, name IS NOT NULL AS "isNamed"
     FROM sites WHERE id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** A result. */
export interface Result {
  ts: number;
  /** The agent's UUID. */
  agent: string;
  location: string | null;
  verdict: "up" | "degraded" | "down" | "unknown";
  reason: string | null;
  responseCode: number | null;
  responseMs: number | null;
  phases: Figure<"dns" | "connect" | "tls" | "firstByte" | "download">;
  slots: number;
  maintenance: boolean;
  errorClass: string | null;
  errorMessage: string | null;
  remoteAddress: string | null;
  /** The microsecond behind it, as SQL has it. */
  behind: string;
}

/** The last `n` results of a span of time, as SQL has it, the newest first, always in one order. */
export async function lastResults(
  pool: Pool,
  name: string,
  [since, until]: readonly [since: Date | string, until: Date | string],
  n: number,
): Promise<Result[]> {
  const { rows } = await pool.query(
    `SELECT ${MS("ts")}, agent, location, verdict, reason, response_code AS "responseCode",
       response_ms AS "responseMs", slots, maintenance, error_class AS "errorClass",
       error_message AS "errorMessage", remote_address AS "remoteAddress",
       jsonb_build_object('dns', dns_ms, 'connect', connect_ms, 'tls', tls_ms,
         'firstByte', first_byte_ms, 'download', download_ms) AS phases,
       (ts + interval '1 microsecond') AT TIME ZONE 'UTC' || '+00' AS behind
     FROM httpmon_results($1, $2, $3, $4)`,
    [name, since, until, n],
  );
  return rows;
}
