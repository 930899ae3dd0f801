import { type ResultMessage, VERDICTS } from "../../wire/message.ts";
import { parseTimestamp } from "../../wire/timestamp.ts";
import { verdictOf } from "../../wire/verdict_of.ts";
import { byKind, type Kind, KINDS, type Known, placesOf, Things } from "./shared.ts";
import { bytesOf, utc } from "./values.ts";

/** What the database's httpmon_store takes of a batch's results, and what they share. */
export interface EncodedResults {
  /** Fields of the batch. */
  fields: Record<string, unknown>;
  things: Record<Kind, Things>;
}

type Cell = number | boolean | string | null | undefined;
type Places = ReturnType<typeof placesOf>;

/** The columns of a result, by their names in httpmon_batch_rows. No cell needs quoting in an array. */
const COLUMNS: Record<string, (message: ResultMessage, places: Places) => Cell> = {
  ts: ({ ts }) => utc(ts),
  site: (_, { site }) => site,
  agent: (_, { agent }) => agent,
  context: (_, { context }) => context,
  connection: (_, { connection }) => connection,
  reason: (_, { reason }) => reason,
  response_time: ({ responseTime }) => float4(responseTime),
  response_code: ({ responseCode }) => responseCode,
  lateness: (message) => float4(lateness(message)),
  dns_ms: ({ phases }) => float4(phases?.dns),
  connect_ms: ({ phases }) => float4(phases?.connect),
  tls_ms: ({ phases }) => float4(phases?.tls),
  first_byte_ms: ({ phases }) => float4(phases?.firstByte),
  download_ms: ({ phases }) => float4(phases?.download),
  body_bytes: ({ bodyBytes }) => bodyBytes,
  verdict: (message) => VERDICTS.indexOf(verdictOf(message)),
  regex_result: ({ regexResult }) => regexResult,
  body_truncated: ({ bodyTruncated }) => bodyTruncated,
  maintenance: ({ maintenance }) => maintenance,
  // One is what their absence means.
  slots: ({ slots }) => slots === 1 ? null : slots,
  attempts: ({ attempts }) => attempts === 1 ? null : attempts,
  loop_delay: ({ loopDelay }) => float4(loopDelay),
};

/**
 * Puts results into the form in which they travel: columns of numbers, and each shared thing once.
 *
 * @param known Remembered by whoever stores, from batch to batch
 */
export function encodeResults(messages: readonly ResultMessage[], known: Known): EncodedResults {
  const things = byKind((kind) => new Things(known[kind]));
  const places = messages.map((message) => placesOf(message, things));
  const fields: Record<string, unknown> = {};
  for (const [name, cellOf] of Object.entries(COLUMNS)) {
    fields[name] = arrayOf(messages, (message, n) => cellOf(message, places[n]!));
  }
  for (const kind of KINDS) fields[kind] = arrayOf(things[kind].list, ({ identity }) => identity);
  const redirects: Record<number, unknown> = {};
  const evidence: unknown[] = [];
  const chains: unknown[] = [];
  for (const [n, message] of messages.entries()) {
    if (message.redirects !== undefined) redirects[n] = message.redirects;
    if (message.evidence) {
      const { statusLine, headers, body } = message.evidence;
      evidence.push({ n, status_line: statusLine, headers, body });
    }
    if (message.tls?.chain?.length) {
      chains.push({ n, certificates: message.tls.chain.map(toCertificate) });
    }
  }
  if (Object.keys(redirects).length > 0) fields.redirects = redirects;
  if (evidence.length > 0) fields.evidence = evidence;
  if (chains.length > 0) fields.chains = chains;
  return { fields, things };
}

function toCertificate(
  { fingerprint, notBefore, notAfter, subject, issuer, serial, names }: NonNullable<
    NonNullable<ResultMessage["tls"]>["chain"]
  >[number],
) {
  return {
    fingerprint: bytesOf(fingerprint),
    not_before: utc(notBefore),
    not_after: utc(notAfter),
    subject,
    issuer,
    serial,
    names,
  };
}

/** The literal of a PostgreSQL array; null where all in it is null, which unnest fills up. */
function arrayOf<T>(list: readonly T[], cellOf: (each: T, n: number) => Cell): string | null {
  const texts: string[] = [];
  let some = false;
  for (let n = 0; n < list.length; n++) {
    const cell = cellOf(list[n]!, n);
    if (cell === null || cell === undefined) texts.push("NULL");
    else {
      some = true;
      texts.push(String(cell));
    }
  }
  return some ? `{${texts.join(",")}}` : null;
}

/** Milliseconds from when the check was due until it started. */
function lateness({ ts, scheduledAt }: ResultMessage): number | null {
  if (scheduledAt === undefined) return null;
  // Within a minute, mostly: the same text up to the seconds.
  if (ts.slice(0, 17) === scheduledAt.slice(0, 17)) {
    const ms = (Number(ts.slice(17)) - Number(scheduledAt.slice(17))) * 1000;
    return Math.round(ms * 1000) / 1000;
  }
  return Number(parseTimestamp(ts)! - parseTimestamp(scheduledAt)!) / 1000;
}

/**
 * Four bytes hold a time to the microsecond up to 8 s; what PostgreSQL prints of one reads back as the
 * same one. It takes none that rounds to zero, and less than a picosecond is none.
 */
function float4(ms: number | null | undefined): number | null | undefined {
  return typeof ms === "number" && Math.abs(ms) < 1e-9 ? 0 : ms;
}
