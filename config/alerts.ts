import { z } from "zod";
import { channelSchema } from "../alerts/channels/index.ts";
import { oneOf, optional, section, whole, withDefault } from "./fields.ts";
import type { Findings } from "./say/findings.ts";
import { listen } from "./listen.ts";
import { isGiven, mapAt } from "./source/raw.ts";
import { quote } from "./say/show.ts";
import type { AlertsConfig } from "./types.ts";
import { downWhen, threshold } from "./site/alerting.ts";

/** `alerts:` of the YAML. */
export const alertsSchema = section({
  failure_threshold: withDefault(threshold, 3),
  success_threshold: withDefault(threshold, 2),
  down_when: withDefault(downWhen, "majority"),
  channels: withDefault(
    z.record(z.string(), channelSchema, { error: "a map from a channel's name to where it leads" }),
    {},
  ),
  group_wait: withDefault(whole(0, 300, "seconds"), 30),
  listen: optional(listen),
});

/**
 * Checks that each channel that sites name is there.
 *
 * @param root The whole YAML
 */
export function checkChannels(root: Readonly<Record<string, unknown>>, findings: Findings): void {
  const known = Object.keys(mapAt(mapAt(root, "alerts"), "channels"));
  const layers = [
    { path: ["defaults"], settings: mapAt(root, "defaults") },
    ...["websites", "templates"].flatMap((name) => {
      const entries = mapAt(root, name);
      return Object.keys(entries).map((key) => ({
        path: [name, key],
        settings: mapAt(entries, key),
      }));
    }),
  ];
  const choice = known.length > 0 ? `: ${oneOf(known.map(quote))}` : ", of which there are none";
  for (const { path, settings: { channels } } of layers) {
    if (!isGiven(channels) || !Array.isArray(channels)) continue;
    for (const name of channels.filter((name) => !known.includes(name))) {
      findings.add(
        [...path, "channels"],
        `expected channels of "alerts"${choice}, found ${quote(name)}`,
      );
    }
  }
}

/** The config of a checked `alerts:`. */
export function toAlerts(yaml: z.output<typeof alertsSchema>): AlertsConfig {
  const { failure_threshold, success_threshold, down_when, channels, group_wait } = yaml;
  return {
    rules: {
      failureThreshold: failure_threshold,
      successThreshold: success_threshold,
      downWhen: down_when,
    },
    channels,
    groupWaitMs: group_wait * 1_000,
    listen: yaml.listen,
  };
}
