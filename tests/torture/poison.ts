import { Buffer } from "node:buffer";
import type { SentRecord } from "./ledger.ts";

/** Larger than the most that the writer reads. */
const TOO_LARGE = 1_100_000;

/**
 * Records that can never be rows, of every kind; each time different, so that each is one of its own.
 *
 * @param n Makes it different
 * @param good Base64 of a result that would be fine
 */
export function poisonRecords(n: number, good: string): SentRecord[] {
  const fields = JSON.parse(Buffer.from(good, "base64").toString());
  const { responseCode: _, ...withoutCode } = fields;
  const text = JSON.stringify(fields);
  const large = n % 2_000 === 0
    ? [text.replace('"ts"', `"x":"${"y".repeat(TOO_LARGE)}","ts"`)]
    : [];
  const values: (string | Uint8Array | null)[] = [
    null,
    "",
    `{"ts": "cut off ${n}`,
    `["not an object", ${n}]`,
    JSON.stringify({ ...fields, errorMessage: `a\0b ${n}` }),
    JSON.stringify({ ...fields, responseCode: "200", n }),
    JSON.stringify({ ...fields, responseCode: 3_000_000_000, n }),
    text.replace(/"responseTime":[^,]+/, `"responseTime":1e400`),
    JSON.stringify({ ...withoutCode, n }),
    JSON.stringify({ ...fields, ts: "10000-01-01 00:00:00.000000", n }),
    JSON.stringify({ ...fields, ts: "2026-02-30 00:00:00.000000", n }),
    JSON.stringify({ ...fields, agentUUID: `nobody-${n}` }),
    JSON.stringify({ ...fields, url: "", n }),
    Buffer.concat([Buffer.from(`{"n":${n},"x":"`), Buffer.from([0xff]), Buffer.from('"}')]),
    ...large,
  ];
  return values.map((value, i) => ({
    key: i % 3 === 0 ? null : `poison-${n}-${i}`,
    value: value === null ? null : Buffer.from(value as string).toString("base64"),
    poison: true,
    again: false,
  }));
}
