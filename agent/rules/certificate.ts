import type { SiteRules } from "../../config/types.ts";
import type { HttpRecord } from "../http/types.ts";
import type { RuleOutcome } from "./outcome.ts";

const DAY_MS = 86_400_000;

/**
 * `certificate_days_left`: so many days until the first end of validity in the chain. Says nothing of
 * a response that came without TLS, or whose certificates have no date that can be read.
 *
 * @param now Wall clock, milliseconds since 1970
 */
export function certificateRule(
  { certificateDaysLeft }: Pick<SiteRules, "certificateDaysLeft">,
  { tls }: Pick<HttpRecord, "tls">,
  now: number,
): RuleOutcome[] {
  const expiry = tls?.earliestExpiry ?? NaN;
  if (certificateDaysLeft === null || Number.isNaN(expiry)) return [];
  const days = (expiry - now) / DAY_MS;
  return [{
    rule: "certificate_days_left",
    ok: days >= certificateDaysLeft,
    expected: `at least ${certificateDaysLeft} days`,
    found: `${Math.floor(days * 10) / 10} days`,
  }];
}
