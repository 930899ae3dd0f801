import { z } from "zod";
import { parsed } from "../../config/fields.ts";
import { rule } from "./rule.ts";

const WHAT = 'a status from 100 to 599, a range ("200-299") or a class ("2xx")';

/** Both ends are in. */
export interface StatusRange {
  from: number;
  to: number;
}

/** The status is in one of the ranges. */
export const status = rule({
  key: "valid_status_codes",
  reason: "status",
  failure: "down",
  schema: z.array(
    parsed(z.unknown(), WHAT, parseStatusRange),
    { error: "a list of status codes" },
  ).nonempty({ error: "at least one status code" }) as z.ZodType<readonly StatusRange[]>,
  byDefault: [{ from: 200, to: 200 }],
  outcomes: (ranges, { record: { status } }) => [{
    ok: status !== null && ranges.some(({ from, to }) => from <= status && status <= to),
    expected: texts(ranges).join(", "),
    found: String(status),
  }],
  summary: (ranges) => `status ${texts(ranges).join(" ")}`,
});

/** The statuses that `given` stands for: 200, "200-299" or "2xx"; null where it stands for none. */
export function parseStatusRange(given: unknown): StatusRange | null {
  const text = typeof given === "number" || typeof given === "string" ? String(given) : "";
  const ofClass = /^([1-5])xx$/i.exec(text);
  if (ofClass) return { from: Number(ofClass[1]) * 100, to: Number(ofClass[1]) * 100 + 99 };
  const ends = /^([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?$/.exec(text);
  if (!ends) return null;
  const [from, to] = [Number(ends[1]), Number(ends[2] ?? ends[1])];
  return from <= to ? { from, to } : null;
}

function texts(ranges: readonly StatusRange[]): string[] {
  return ranges.map(({ from, to }) => from === to ? String(from) : `${from}-${to}`);
}
