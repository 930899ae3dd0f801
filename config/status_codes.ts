import { z } from "zod";
import type { SiteRules } from "./types.ts";

const WHAT = 'a status from 100 to 599, a range ("200-299") or a class ("2xx")';

/** A list of statuses (200), ranges ("200-299") and classes ("2xx"). */
export const statusCodes = z.array(
  z.unknown().transform((given, ctx) => {
    const range = parseStatusRange(given);
    if (range !== null) return range;
    ctx.addIssue({ code: "custom", message: WHAT });
    return z.NEVER;
  }),
  { error: "a list of status codes" },
).nonempty({ error: "at least one status code" });

/** The statuses that `given` stands for, both ends in; null where it stands for none. */
export function parseStatusRange(given: unknown): SiteRules["validStatusCodes"][number] | null {
  const text = typeof given === "number" || typeof given === "string" ? String(given) : "";
  const ofClass = /^([1-5])xx$/i.exec(text);
  if (ofClass) return { from: Number(ofClass[1]) * 100, to: Number(ofClass[1]) * 100 + 99 };
  const ends = /^([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?$/.exec(text);
  if (!ends) return null;
  const [from, to] = [Number(ends[1]), Number(ends[2] ?? ends[1])];
  return from <= to ? { from, to } : null;
}
