import type { SiteRules } from "../../config/types.ts";
import type { HttpRecord } from "../http/types.ts";
import type { RuleOutcome } from "./outcome.ts";

/** `valid_status_codes`: the status is in one of the ranges. */
export function statusRule(
  { validStatusCodes }: Pick<SiteRules, "validStatusCodes">,
  { status }: Pick<HttpRecord, "status">,
): RuleOutcome[] {
  const ok = status !== null &&
    validStatusCodes.some(({ from, to }) => from <= status && status <= to);
  const expected = validStatusCodes
    .map(({ from, to }) => from === to ? String(from) : `${from}-${to}`).join(", ");
  return [{ rule: "status", ok, expected, found: String(status) }];
}
