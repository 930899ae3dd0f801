import { whole } from "../../config/fields.ts";
import { rule } from "./rule.ts";

const DAY_MS = 86_400_000;

/**
 * So many days are left until the first end of validity in the chain. Says nothing of a response that
 * came without TLS, or whose certificates have no date that can be read.
 */
export const certificateDaysLeft = rule({
  key: "certificate_days_left",
  reason: "certificate_days_left",
  failure: "degraded",
  schema: whole(0, 3650, "days"),
  check(site) {
    // In the defaults it is for the sites that can have it.
    if (site.url === null || !site.isOwn("certificate_days_left")) return;
    if (String(site.get("client")).toLowerCase() !== "fetch") return;
    site.note(
      ["certificate_days_left"],
      'expected no "certificate_days_left", as client "fetch" sees no certificate',
    );
  },
  outcomes(least, { record, now }) {
    const days = ((record.tls?.earliestExpiry ?? NaN) - now) / DAY_MS;
    if (Number.isNaN(days)) return [];
    return [{
      ok: days >= least,
      expected: `at least ${least} days`,
      found: `${Math.floor(days * 10) / 10} days`,
    }];
  },
  summary: (least) => `degraded below ${least} days left`,
});
