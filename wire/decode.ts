import { Bad, type DecodeReason } from "./decode/bad.ts";
import { message } from "./decode/message.ts";
import type { ResultMessage } from "./message.ts";

export type { DecodeReason };

/** A message, or why there is none. `detail` is for a person. */
export type Decoded =
  | { ok: true; message: ResultMessage }
  | { ok: false; reason: DecodeReason; detail: string };

/**
 * The largest value that is read. Our results are at most some kilobytes; a larger value is not one,
 * and parsing it would hold the loop.
 */
export const MAX_VALUE_BYTES = 1024 * 1024;

/**
 * Reads one value of the topic. Takes the older program's seven fields alone, ignores fields it does
 * not know, never throws.
 */
export function decode(value: Uint8Array | null): Decoded {
  try {
    return { ok: true, message: message(toObject(value), "") };
  } catch (error) {
    if (error instanceof Bad) return { ok: false, reason: error.reason, detail: error.message };
    throw error;
  }
}

/** To make one takes as long as to decode a message with it. */
const UTF8 = new TextDecoder("utf-8", { fatal: true });

function toObject(value: Uint8Array | null): object {
  if (value === null) throw new Bad("null_value", "The record has no value");
  if (value.length === 0) throw new Bad("empty_value", "The record's value has no bytes");
  if (value.length > MAX_VALUE_BYTES) {
    throw new Bad("too_large", `${value.length} bytes, where ${MAX_VALUE_BYTES} is the most`);
  }
  let text: string;
  try {
    text = UTF8.decode(value);
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
  return json;
}
