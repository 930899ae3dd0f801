import { Buffer } from "node:buffer";
import type { IncomingRecord } from "./records.ts";

const MAX_DETAIL = 1000;

/** A record that is set aside, with what is known of why. */
export interface DeadLetter {
  offset: bigint;
  /** Of a batch that nobody could read, its last record's. */
  lastOffset?: bigint;
  key: Uint8Array | null;
  value: Uint8Array | null;
  /** A short stable name: wire/decode.ts's, or one of docs/message.md's others. */
  reason: string;
  /** For a person. */
  detail: string;
}

export function toLetter(
  { offset, key, value, decode }: IncomingRecord,
  reason: string,
  detail: string,
): DeadLetter {
  const decoded = decode();
  const letter = { offset, key, value, reason, detail };
  if (!("firstOffset" in decoded)) return letter;
  return { ...letter, offset: decoded.firstOffset, lastOffset: offset };
}

/** A letter as httpmon_store takes it. */
export function encodeLetter({ offset, lastOffset, key, value, reason, detail }: DeadLetter) {
  const base64 = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString("base64");
  return {
    offset: String(offset),
    last_offset: lastOffset === undefined ? null : String(lastOffset),
    key: base64(key),
    value: base64(value),
    reason,
    // PostgreSQL's text has no U+0000, and no half of a character; what a bad message says may.
    detail: detail.slice(0, MAX_DETAIL).replaceAll("\0", "\u{FFFD}").toWellFormed(),
  };
}

/** An error of the database as a letter's detail. */
export function describe(error: Error): string {
  const { code, detail } = error as { code?: string; detail?: string };
  return `${code ?? error.name}: ${error.message}${detail ? ` (${detail})` : ""}`;
}
