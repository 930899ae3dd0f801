import { z } from "zod";
import { number, optional, text, whole } from "../../config/fields.ts";

const DOWN_WHEN = "any, majority, all or a number of agents";
const DEPENDS_ON = "a list of sites, by their keys in websites";
const CHANNELS = 'a list of names of channels of "alerts"';

/** `down_when` of the YAML. */
export const downWhen = z.union([
  z.literal(["any", "majority", "all"], { error: DOWN_WHEN }),
  z.int({ error: DOWN_WHEN }).min(1, { error: DOWN_WHEN }).max(10_000, { error: DOWN_WHEN }),
], { error: DOWN_WHEN });

/** How many results in a row. */
export const threshold = whole(1, 100, "results in a row");

/** What a site may say of its incidents. */
export const alertingKeys = {
  channels: optional(z.array(text(CHANNELS), { error: CHANNELS })),
  failure_threshold: optional(threshold),
  success_threshold: optional(threshold),
  down_when: optional(downWhen),
  depends_on: optional(z.array(text(DEPENDS_ON), { error: DEPENDS_ON })),
  slo: optional(number(50, 99.999, "percent of the due times in 30 days")),
};

type Yaml = { [Key in keyof typeof alertingKeys]: z.output<typeof alertingKeys[Key]> };

/** What a site says of its incidents, beside the channels. */
export function toAlerting(yaml: Yaml) {
  const { failure_threshold, success_threshold, down_when, depends_on, slo } = yaml;
  return {
    /** Those of AlertRules that are its own. */
    rules: {
      ...failure_threshold !== null && { failureThreshold: failure_threshold },
      ...success_threshold !== null && { successThreshold: success_threshold },
      ...down_when !== null && { downWhen: down_when },
    },
    /** Identities, or keys of the YAML, which are the same: of sites without which it cannot be up. */
    dependsOn: (depends_on ?? []) as readonly string[],
    /** Percent of the due times in 30 days; null: nobody counts. */
    slo,
  };
}

export type SiteAlerting = ReturnType<typeof toAlerting>;
