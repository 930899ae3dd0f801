import { type ResultMessage, VERDICTS } from "../../wire/message.ts";
import { verdictOf } from "../../wire/verdict_of.ts";
import { utc } from "./values.ts";

/** A result with the ids of what it shares with others. */
export interface ResultRow {
  message: ResultMessage;
  siteId: number;
  agentId: number;
  /** Null where the agent says nothing of itself. */
  contextId: number | null;
  /** Null without TLS. */
  handshakeId: number | null;
}

type Column = readonly [type: string, valueOf: (row: ResultRow) => unknown];

/** The identity, and what the older program's message tells. */
const BASE: Record<string, Column> = {
  ts: ["timestamptz", ({ message }) => utc(message.ts)],
  response_time: ["float8", ({ message }) => message.responseTime],
  scheduled_at: ["timestamptz", ({ message }) => message.scheduledAt && utc(message.scheduledAt)],
  site_id: ["int4", ({ siteId }) => siteId],
  agent_id: ["int4", ({ agentId }) => agentId],
  response_code: ["int4", ({ message }) => message.responseCode],
  verdict: ["int2", ({ message }) => VERDICTS.indexOf(verdictOf(message))],
  regex_result: ["bool", ({ message }) => message.regexResult],
  error_class: ["text", ({ message }) => message.errorClass],
  reason: ["text", ({ message }) => message.reason],
  error_message: ["text", ({ message }) => message.errorMessage],
};

/** What migration 000002 added. */
const DETAILS: Record<string, Column> = {
  body_bytes: ["int8", ({ message }) => message.bodyBytes],
  dns_ms: ["float4", ({ message }) => float4(message.phases?.dns)],
  connect_ms: ["float4", ({ message }) => float4(message.phases?.connect)],
  tls_ms: ["float4", ({ message }) => float4(message.phases?.tls)],
  first_byte_ms: ["float4", ({ message }) => float4(message.phases?.firstByte)],
  download_ms: ["float4", ({ message }) => float4(message.phases?.download)],
  tls_handshake_id: ["int4", ({ handshakeId }) => handshakeId],
  agent_context_id: ["int4", ({ contextId }) => contextId],
  body_truncated: ["bool", ({ message }) => message.bodyTruncated],
  maintenance: ["bool", ({ message }) => message.maintenance],
  remote_address: ["inet", ({ message }) => message.remoteAddress],
  http_version: ["text", ({ message }) => message.httpVersion],
  redirects: ["jsonb", ({ message }) => message.redirects && JSON.stringify(message.redirects)],
};

const COLUMNS = Object.entries({ ...BASE, ...DETAILS });

/** The columns' names, for a list of columns. */
export const NAMES = COLUMNS.map(([name]) => name).join(", ");

/** The columns as parameters, for unnest. */
export const ARRAYS = COLUMNS.map(([, [type]], index) => `$${index + 1}::${type}[]`).join(", ");

/** A list of columns for each part that is compared; `t` is the table's alias. */
export const compared = {
  base: (t: string) =>
    Object.keys(BASE)
      .filter((name) => !["ts", "site_id", "agent_id", "response_time"].includes(name))
      .map((name) => `${t}.${name}`).join(", "),
  details: (t: string) => Object.keys(DETAILS).map((name) => `${t}.${name}`).join(", "),
};

/**
 * An array for each of `ARRAYS`, or null where all in it would be null: unnest fills up what is short,
 * and a message of the older program leaves half of the columns empty.
 */
export function toColumns(rows: readonly ResultRow[]): (unknown[] | null)[] {
  return COLUMNS.map(([, [, valueOf]]) => {
    const values = rows.map(valueOf);
    return values.some((value) => value !== null && value !== undefined) ? values : null;
  });
}

/** PostgreSQL takes no float4 that rounds to zero; less than a picosecond is none. */
function float4(ms: number | undefined): number | undefined {
  return ms !== undefined && ms < 1e-9 ? 0 : ms;
}
