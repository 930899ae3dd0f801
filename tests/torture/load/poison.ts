import { Buffer } from "node:buffer";
import type { SentRecord } from "./ledger.ts";

/** Larger than the most that the writer reads. */
const TOO_LARGE = 1_100_000;

/**
 * Records that can never be rows, of every kind; each time different, so that each is one of its own.
 * Each value but the first two says for which reason it is to be set aside.
 *
 * @param n Makes it different
 * @param good Base64 of a result that would be fine
 * @param options.large Whether the one of over a megabyte is among them
 * @param options.refused Whether one is among them that a constraint of the round's refuses
 */
export function poisonRecords(
  n: number,
  good: string,
  { large, refused = false }: { large: boolean; refused?: boolean },
): SentRecord[] {
  const fields = JSON.parse(Buffer.from(good, "base64").toString());
  const { responseCode: _, ...withoutCode } = fields;
  const mark = (reason: string) => `poison ${n} ${reason}`;
  const text = (reason: string, others: object) =>
    JSON.stringify({ poison: mark(reason), ...others });
  const values: (string | Uint8Array | null)[] = [
    null,
    "",
    `{"ts": "${mark("bad_json")}`,
    `["${mark("not_an_object")}"]`,
    text("nul_character", { ...fields, errorMessage: `a\0b ${n}` }),
    text("wrong_type", { ...fields, responseCode: "200" }),
    text("bad_value", { ...fields, responseCode: 3_000_000_000 }),
    text("bad_value", fields).replace(/"responseTime":[^,}]+/, `"responseTime":1e400`),
    text("missing_field", withoutCode),
    text("bad_value", { ...fields, ts: "10000-01-01 00:00:00.000000" }),
    text("bad_value", { ...fields, ts: "2026-02-30 00:00:00.000000" }),
    text("bad_value", { ...fields, agentUUID: `nobody-${n}` }),
    text("bad_value", { ...fields, url: "" }),
    Buffer.concat([
      Buffer.from(`{"x":"${mark("bad_utf8")}`),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]),
    ...(refused ? [text("store_failed", { ...fields, responseCode: 599 })] : []),
    ...(large ? [text("too_large", { x: "y".repeat(TOO_LARGE), ...fields })] : []),
  ];
  return values.map((value, i) => ({
    key: i % 3 === 0 ? null : `poison-${n}-${i}`,
    value: value === null ? null : Buffer.from(value as string).toString("base64"),
    poison: true,
    again: false,
  }));
}

/** The key of the records of a batch that the product cannot unpack. */
export function unreadableKey(n: number): string {
  return `unreadable ${n}`;
}

export function isUnreadable(key: string | null): boolean {
  return key?.startsWith("unreadable ") ?? false;
}

/** The reason for which a value of `poisonRecords`, in base64, is to be set aside. */
export function poisonReason(value: string | null): string {
  if (value === null) return "null_value";
  if (value === "") return "empty_value";
  const start = Buffer.from(value.slice(0, 200), "base64").toString("latin1");
  return /poison \d+ (\w+)/.exec(start)?.[1] ?? "no mark";
}
