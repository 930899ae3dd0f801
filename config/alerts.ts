import { z } from "zod";
import { url } from "../alerts/channels/fields.ts";
import { channelSchema } from "../alerts/channels/index.ts";
import { flag, oneOf, optional, section, strictMap, text, whole, withDefault } from "./fields.ts";
import type { Findings } from "./say/findings.ts";
import { listen } from "./listen.ts";
import { parseMatcher } from "./matchers.ts";
import { isGiven, isMap, mapAt } from "./source/raw.ts";
import { quote } from "./say/show.ts";
import type { AlertsConfig } from "./types.ts";
import { downWhen, threshold } from "./site/alerting.ts";

const MATCHER = 'a matcher (group="web", severity!=warning, site=~"shop.*")';
const MATCHERS = `a list of matchers, ${MATCHER}`;
const ROUTE_CHANNELS = "a list of names of channels";

const matcher = z.string({ error: MATCHER }).transform((given, ctx) => {
  const matcher = parseMatcher(given);
  if (matcher !== null) return matcher;
  ctx.addIssue({ code: "custom", message: MATCHER });
  return z.NEVER;
});

const route = strictMap({
  matchers: withDefault(z.array(matcher, { error: MATCHERS }), []),
  channels: z.array(text(ROUTE_CHANNELS), { error: ROUTE_CHANNELS }),
  continue: withDefault(flag(), false),
}, 'a map with "matchers" and "channels"');

/** `alerts:` of the YAML. */
export const alertsSchema = section({
  failure_threshold: withDefault(threshold, 3),
  success_threshold: withDefault(threshold, 2),
  down_when: withDefault(downWhen, "majority"),
  channels: withDefault(
    z.record(z.string(), channelSchema, { error: "a map from a channel's name to where it leads" }),
    {},
  ),
  routes: withDefault(z.array(route, { error: "a list of routes" }), []),
  group_wait: withDefault(whole(0, 300, "seconds"), 30),
  reminder: optional(whole(60, 604_800, "seconds")),
  heartbeat_url: optional(url()),
  listen: optional(listen),
});

/**
 * Checks that each channel that sites and routes name is there.
 *
 * @param root The whole YAML
 */
export function checkChannels(root: Readonly<Record<string, unknown>>, findings: Findings): void {
  const known = Object.keys(mapAt(mapAt(root, "alerts"), "channels"));
  const routes = mapAt(root, "alerts").routes;
  const layers = [
    ...(Array.isArray(routes) ? routes : []).map((route, n) => ({
      path: ["alerts", "routes", n],
      settings: isMap(route) ? route : {},
    })),
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
  const { failure_threshold, success_threshold, down_when, channels, routes, reminder } = yaml;
  return {
    rules: {
      failureThreshold: failure_threshold,
      successThreshold: success_threshold,
      downWhen: down_when,
    },
    channels,
    routes: routes.map(({ continue: goesOn, ...route }) => ({ ...route, goesOn })),
    groupWaitMs: yaml.group_wait * 1_000,
    reminderMs: reminder && reminder * 1_000,
    heartbeatUrl: yaml.heartbeat_url,
    listen: yaml.listen,
  };
}
