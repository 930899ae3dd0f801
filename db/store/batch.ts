import { type ResultMessage, VERDICTS } from "../../wire/message.ts";
import { parseTimestamp } from "../../wire/timestamp.ts";
import { verdictOf } from "../../wire/verdict_of.ts";
import type { Parameter } from "../connect/one_trip.ts";
import { ArrayWriter, type ElementType, encodeArray, TYPES } from "./arrays.ts";
import { byKind, type Kind, KINDS, type Known, placesOf, Things } from "./shared.ts";
import { bytesOf, utc } from "./values.ts";

/** What the database's httpmon_store takes of a batch's results, and what they share. */
export interface EncodedResults {
  /** Arrays, by the names of its arguments; see `ARGUMENTS`. */
  arrays: Record<string, Parameter>;
  /** Fields of its argument "batch". */
  fields: Record<string, unknown>;
  things: Record<Kind, Things>;
}

type Places = ReturnType<typeof placesOf>;
type TypeName = keyof typeof TYPES;
type ValueOf<N extends TypeName> = typeof TYPES[N] extends ElementType<infer T> ? T : never;

/** A column of results: its type, and what adds a result to an array of it. */
interface Column {
  type: TypeName;
  begin(capacity: number): {
    add(messages: readonly ResultMessage[], places: readonly Places[]): void;
    finish(): Parameter;
  };
}

function column<N extends TypeName>(
  type: N,
  valueOf: (message: ResultMessage, places: Places) => ValueOf<N> | null | undefined,
): Column {
  return {
    type,
    begin(capacity) {
      const array = new ArrayWriter(TYPES[type] as unknown as ElementType<ValueOf<N>>, capacity);
      return {
        add(messages, places) {
          for (let n = 0; n < messages.length; n++) array.add(valueOf(messages[n]!, places[n]!));
        },
        finish: () => array.finish(),
      };
    },
  };
}

/** A result's columns, as httpmon_store has them. */
const COLUMNS: Record<string, Column> = {
  ts: column("timestamptz", ({ ts }) => ts),
  site: column("int4", (_, { site }) => site),
  agent: column("int4", (_, { agent }) => agent),
  context: column("int4", (_, { context }) => context),
  connection: column("int4", (_, { connection }) => connection),
  reason: column("int4", (_, { reason }) => reason),
  response_time: column("float4", ({ responseTime }) => responseTime),
  response_code: column("int4", ({ responseCode }) => responseCode),
  lateness: column("float4", lateness),
  dns_ms: column("float4", ({ phases }) => phases?.dns),
  connect_ms: column("float4", ({ phases }) => phases?.connect),
  tls_ms: column("float4", ({ phases }) => phases?.tls),
  first_byte_ms: column("float4", ({ phases }) => phases?.firstByte),
  download_ms: column("float4", ({ phases }) => phases?.download),
  body_bytes: column("int4", ({ bodyBytes }) => bodyBytes),
  verdict: column("int2", (message) => VERDICTS.indexOf(verdictOf(message))),
  regex_result: column("bool", ({ regexResult }) => regexResult),
  body_truncated: column("bool", ({ bodyTruncated }) => bodyTruncated),
  maintenance: column("bool", ({ maintenance }) => maintenance),
  // One is what their absence means.
  slots: column("int4", ({ slots }) => slots === 1 ? null : slots),
  attempts: column("int4", ({ attempts }) => attempts === 1 ? null : attempts),
  loop_delay: column("float4", ({ loopDelay }) => loopDelay),
};

/** The arrays that httpmon_store takes, with their elements' types: identities, and columns. */
export const ARGUMENTS: readonly (readonly [name: string, type: TypeName])[] = [
  ...KINDS.map((kind) => [kind, "uuid"] as const),
  ...Object.entries(COLUMNS).map(([name, { type }]) => [name, type] as const),
];

/**
 * Puts results into the form in which they travel, some at a time, so that no message is kept once it is
 * in: an array a column, and each shared thing once.
 */
export class ResultEncoder {
  readonly #things: Record<Kind, Things>;
  readonly #columns;
  readonly #redirects: Record<number, unknown> = {};
  readonly #evidence: unknown[] = [];
  readonly #chains: unknown[] = [];
  #count = 0;

  /**
   * @param known Remembered by whoever stores, from batch to batch
   * @param capacity The most results that will be added
   */
  constructor(known: Known, capacity: number) {
    this.#things = byKind((kind) => new Things(known[kind]));
    this.#columns = Object.entries(COLUMNS).map(([name, column]) =>
      [name, column.begin(capacity)] as const
    );
  }

  add(messages: readonly ResultMessage[]): void {
    const places = messages.map((message) => placesOf(message, this.#things));
    for (const [, column] of this.#columns) column.add(messages, places);
    for (const { redirects, evidence, tls } of messages) {
      const n = this.#count++;
      if (redirects !== undefined) this.#redirects[n] = redirects;
      if (evidence) {
        const { statusLine, headers, body } = evidence;
        this.#evidence.push({ n, status_line: statusLine, headers, body });
      }
      if (tls?.chain?.length) this.#chains.push({ n, certificates: tls.chain.map(toCertificate) });
    }
  }

  finish(): EncodedResults {
    const arrays: Record<string, Parameter> = {};
    for (const kind of KINDS) {
      const identities = this.#things[kind].list.map(({ identity }) => identity);
      arrays[kind] = encodeArray(TYPES.uuid, identities);
    }
    for (const [name, column] of this.#columns) arrays[name] = column.finish();
    const fields: Record<string, unknown> = {};
    if (Object.keys(this.#redirects).length > 0) fields.redirects = this.#redirects;
    if (this.#evidence.length > 0) fields.evidence = this.#evidence;
    if (this.#chains.length > 0) fields.chains = this.#chains;
    return { arrays, fields, things: this.#things };
  }
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
