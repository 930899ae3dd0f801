import type { Pool } from "pg";
import { rowsOf } from "../sql.ts";
import type { Range } from "./range.ts";

/** A run of failures of a site, with what was seen at its start. Times are milliseconds since 1970. */
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

/** A certificate of a chain that a site showed. */
export interface Certificate {
  subject: string;
  issuer: string;
  notBefore: number;
  notAfter: number;
  names: string[];
  fingerprint: string;
}

/** The newest runs of failures, with their evidence where it is kept. */
export async function failuresOf(
  pool: Pool,
  id: number,
  range: Pick<Range, "since" | "until">,
  most: number,
): Promise<Failure[]> {
  const rows = await rowsOf<Omit<Failure, "chain"> & { first: string }>(
    pool,
    `SELECT started, started::text AS first, ended, cardinality(agent_ids) AS agents,
       f.response_code, f.reason, f.error_message,
       CASE WHEN e.ts IS NOT NULL THEN jsonb_build_object(
         'at', extract(epoch FROM e.ts)::float8 * 1000, 'statusLine', e.status_line,
         'headers', e.headers, 'body', e.body) END AS evidence
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
  const rows = await rowsOf<Certificate & { of: string }>(
    pool,
    `SELECT shown.of, subject, issuer, not_before, not_after, names,
       encode(c.fingerprint, 'hex') AS fingerprint
     FROM (${shown}) AS shown
     CROSS JOIN LATERAL unnest(chain) WITH ORDINALITY AS link(fingerprint, place)
     JOIN certificates AS c ON c.fingerprint = link.fingerprint ORDER BY place`,
    values,
  );
  return Map.groupBy(rows, ({ of }) => of);
}
