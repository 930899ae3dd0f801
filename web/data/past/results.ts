import type { Pool } from "pg";
import { z } from "zod";
import { number, text, time } from "../shape.ts";
import { rowsOf } from "../sql.ts";

/** A result, as the API gives it. */
export const result = z.object({
  ts: time,
  agent: z.guid(),
  location: text,
  verdict: z.enum(["up", "degraded", "down", "unknown"]),
  reason: text,
  responseCode: z.int().nullable(),
  responseMs: number,
  phases: z.object({
    dns: number,
    connect: number,
    tls: number,
    firstByte: number,
    download: number,
  }),
  slots: z.int().describe("The due times that it answers for"),
  maintenance: z.boolean(),
  errorClass: text,
  errorMessage: text,
  remoteAddress: text,
});

/** Times are milliseconds since 1970. */
export interface Result extends z.input<typeof result> {
  /** The microsecond behind it, as SQL has it. */
  behind: string;
}

/** The last `n` results of a span of time, as SQL has it, the newest first, always in one order. */
export function lastResults(
  pool: Pool,
  name: string,
  [since, until]: readonly [since: Date | string, until: Date | string],
  n: number,
): Promise<Result[]> {
  return rowsOf(
    pool,
    `SELECT ts, agent, location, verdict, reason, response_code, response_ms, slots, maintenance,
       error_class, error_message, remote_address,
       jsonb_build_object('dns', dns_ms, 'connect', connect_ms, 'tls', tls_ms,
         'firstByte', first_byte_ms, 'download', download_ms) AS phases,
       (ts + interval '1 microsecond') AT TIME ZONE 'UTC' || '+00' AS behind
     FROM httpmon_results($1, $2, $3, $4)`,
    [name, since, until, n],
  );
}

/** A check, as a strip shows it. */
export interface Check {
  /** Milliseconds since 1970. */
  ts: number;
  /** Index in STATES. */
  state: number;
  responseMs: number | null;
}

/** The last `n` checks of each of these sites, of the last 26 hours, the newest one last. */
export async function lastChecks(
  pool: Pool,
  ids: readonly number[],
  n: number,
): Promise<Map<number, Check[]>> {
  const checks = await rowsOf<Check & { siteId: number }>(
    pool,
    "SELECT site_id, ts, state, response_ms FROM httpmon_last_checks($1, $2) ORDER BY ts",
    [ids, n],
  );
  return Map.groupBy(checks, ({ siteId }) => siteId);
}
