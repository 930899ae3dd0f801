import type { HttpRecord } from "./http/types.ts";
import type { Verdict } from "../wire/message.ts";
import type { Site } from "../config/types.ts";

/** What a check says of its site. */
export interface Judgement {
  verdict: Verdict;
  /** The rule or the error class that decided; null when up. */
  reason: string | null;
}

/**
 * The verdict: up when a full response came, its status is valid, and the regex matched if there is
 * one; unknown when the failure is the monitor's own (a class that starts with "local_"); else down.
 *
 * @param regexResult Null where the site has no regex
 */
export function judge(
  site: Pick<Site, "validStatusCodes">,
  record: Pick<HttpRecord, "status" | "error">,
  regexResult: boolean | null,
): Judgement {
  if (record.error) {
    const reason = record.error.class;
    return { verdict: reason.startsWith("local_") ? "unknown" : "down", reason };
  }
  if (record.status === null || !site.validStatusCodes.includes(record.status)) {
    return { verdict: "down", reason: "status" };
  }
  if (regexResult === false) return { verdict: "down", reason: "regex" };
  return { verdict: "up", reason: null };
}
