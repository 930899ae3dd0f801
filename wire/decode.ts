import { type ResultMessage, type Verdict, VERDICTS } from "./message.ts";
import { parseTimestamp } from "./timestamp.ts";

/**
 * Why a message can never be stored. These names stand in the `reason` of dead letters, so they are
 * for good.
 */
export type DecodeReason =
  | "null_value"
  | "empty_value"
  | "too_large"
  | "bad_utf8"
  | "bad_json"
  | "not_an_object"
  | "missing_field"
  | "wrong_type"
  | "bad_value"
  | "nul_character";

/** A message, or why there is none. `detail` is for a person. */
export type Decoded =
  | { ok: true; message: ResultMessage }
  | { ok: false; reason: DecodeReason; detail: string };

/**
 * The largest value that is read. Our results are at most some kilobytes; a larger value is not one,
 * and parsing it would hold the loop.
 */
export const MAX_VALUE_BYTES = 1024 * 1024;

const MAX_INT4 = 2_147_483_647;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Leaves the readers below for `decode`; never seen outside this file. */
class Bad extends Error {
  readonly reason: DecodeReason;

  constructor(reason: DecodeReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/**
 * Reads one value of the topic. Takes the older program's seven fields alone, ignores fields it does
 * not know, never throws.
 */
export function decode(value: Uint8Array | null): Decoded {
  try {
    return { ok: true, message: toMessage(toObject(value)) };
  } catch (error) {
    if (error instanceof Bad) return { ok: false, reason: error.reason, detail: error.message };
    throw error;
  }
}

function toObject(value: Uint8Array | null): Record<string, unknown> {
  if (value === null) throw new Bad("null_value", "The record has no value");
  if (value.length === 0) throw new Bad("empty_value", "The record's value has no bytes");
  if (value.length > MAX_VALUE_BYTES) {
    throw new Bad("too_large", `${value.length} bytes, where ${MAX_VALUE_BYTES} is the most`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(value);
  } catch {
    throw new Bad("bad_utf8", "The value is not UTF-8");
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Bad("bad_json", error instanceof Error ? error.message : String(error));
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new Bad("not_an_object", "The value is JSON, but not an object");
  }
  return json as Record<string, unknown>;
}

function toMessage(from: Record<string, unknown>): ResultMessage {
  const message: ResultMessage = {
    ts: timestamp(required(from, "ts"), "ts"),
    agentUUID: uuid(required(from, "agentUUID")),
    url: nonEmpty(required(from, "url"), "url"),
    regexResult: nullable(required(from, "regexResult"), "regexResult", boolean),
    responseCode: nullable(required(from, "responseCode"), "responseCode", int4),
    responseTime: milliseconds(required(from, "responseTime"), "responseTime"),
    errorMessage: nullable(required(from, "errorMessage"), "errorMessage", string),
  };
  // Null is taken for "not there": some writers of JSON give every field of a record.
  if (present(from, "site")) message.site = nonEmpty(from.site, "site");
  if (present(from, "verdict")) message.verdict = verdict(from.verdict);
  if (present(from, "reason")) message.reason = string(from.reason, "reason");
  if (present(from, "errorClass")) message.errorClass = string(from.errorClass, "errorClass");
  if (present(from, "scheduledAt")) {
    message.scheduledAt = timestamp(from.scheduledAt, "scheduledAt");
  }
  return message;
}

function required(from: Record<string, unknown>, field: string): unknown {
  if (!Object.hasOwn(from, field)) throw new Bad("missing_field", `"${field}" is missing`);
  return from[field];
}

function present(from: Record<string, unknown>, field: string): boolean {
  return Object.hasOwn(from, field) && from[field] !== null;
}

function wrongType(field: string, expected: string, value: unknown): Bad {
  const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return new Bad("wrong_type", `"${field}": expected ${expected}, found ${found}`);
}

function nullable<T>(
  value: unknown,
  field: string,
  read: (value: unknown, field: string) => T,
): T | null {
  return value === null ? null : read(value, field);
}

function string(value: unknown, field: string): string {
  if (typeof value !== "string") throw wrongType(field, "a string", value);
  if (value.includes("\0")) {
    throw new Bad("nul_character", `"${field}" holds U+0000, which PostgreSQL has no room for`);
  }
  // A lone surrogate is no character and cannot be written as UTF-8.
  if (!value.isWellFormed()) throw new Bad("bad_value", `"${field}" holds a lone surrogate`);
  return value;
}

function nonEmpty(value: unknown, field: string): string {
  const text = string(value, field);
  if (text === "") throw new Bad("bad_value", `"${field}" is empty`);
  return text;
}

function boolean(value: unknown, field: string): boolean {
  if (typeof value !== "boolean") throw wrongType(field, "true, false or null", value);
  return value;
}

function number(value: unknown, field: string): number {
  if (typeof value !== "number") throw wrongType(field, "a number", value);
  return value;
}

function int4(value: unknown, field: string): number {
  const n = number(value, field);
  if (!Number.isInteger(n)) throw wrongType(field, "a whole number", value);
  if (Math.abs(n) > MAX_INT4) throw new Bad("bad_value", `"${field}" is out of range: ${n}`);
  return n;
}

function milliseconds(value: unknown, field: string): number {
  const n = number(value, field);
  // mon_daily shows it as an int4, so that is the range; JSON's 1e400 is read as Infinity.
  if (!(n >= 0 && n <= MAX_INT4)) throw new Bad("bad_value", `"${field}" is out of range: ${n}`);
  return n;
}

function timestamp(value: unknown, field: string): string {
  const text = string(value, field);
  if (parseTimestamp(text) === null) {
    throw new Bad(
      "bad_value",
      `"${field}": expected "YYYY-MM-DD HH:MM:SS.ffffff", found "${text.slice(0, 40)}"`,
    );
  }
  return text;
}

function uuid(value: unknown): string {
  const text = string(value, "agentUUID").toLowerCase();
  if (!UUID.test(text)) {
    throw new Bad("bad_value", `"agentUUID": expected a UUID, found "${text.slice(0, 40)}"`);
  }
  return text;
}

function verdict(value: unknown): Verdict {
  const text = string(value, "verdict");
  if (!VERDICTS.includes(text as Verdict)) {
    throw new Bad("bad_value", `"verdict": expected one of ${VERDICTS.join(", ")}`);
  }
  return text as Verdict;
}
