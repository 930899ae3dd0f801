import { z } from "zod";
import {
  flag,
  listen,
  optional,
  parsed,
  section,
  strictMap,
  text,
  whole,
  withDefault,
} from "../../config/fields.ts";
import { parseMatcher } from "../../config/matchers.ts";
import { part } from "../../config/part.ts";
import { isGiven } from "../../config/source/raw.ts";
import { url } from "../channels/fields.ts";
import { type Channel, channelSchema } from "../channels/index.ts";
import { checkChannels, checkDependsOn } from "./names.ts";
import { downWhen, threshold } from "./site.ts";

const MATCHER = 'a matcher (group="web", severity!=warning, site=~"shop.*")';
const MATCHERS = `a list of matchers, ${MATCHER}`;
const ROUTE_CHANNELS = "a list of names of channels";

const matcher = parsed(z.string({ error: MATCHER }), MATCHER, parseMatcher);

const route = strictMap({
  matchers: withDefault(z.array(matcher, { error: MATCHERS }), []),
  channels: z.array(text(ROUTE_CHANNELS), { error: ROUTE_CHANNELS }),
  continue: withDefault(flag(), false),
}, 'a map with "matchers" and "channels"');

/** `alerts:` of the YAML. */
export const alertsPart = part({
  schema: section({
    failure_threshold: withDefault(threshold, 3),
    success_threshold: withDefault(threshold, 2),
    down_when: withDefault(downWhen, "majority"),
    channels: withDefault(
      z.record(z.string(), channelSchema, {
        error: "a map from a channel's name to where it leads",
      }),
      {},
    ),
    routes: withDefault(z.array(route, { error: "a list of routes" }), []),
    group_wait: withDefault(whole(0, 300, "seconds"), 30),
    reminder: optional(whole(60, 604_800, "seconds")),
    heartbeat_url: optional(url()),
    listen: optional(listen),
  }),
  load({ root, mode, uses, findings }) {
    // An agent's config may lie apart from the alerter's.
    if (mode === "alerts" || isGiven(root.alerts) && uses("alerts")) {
      checkChannels(root, findings);
      checkDependsOn(root, findings);
    }
    return (yaml) => ({
      /** By which agents' results become votes, and votes a site's state. */
      rules: {
        /** Slots down (or degraded) in a row. */
        failureThreshold: yaml.failure_threshold,
        /** Slots up in a row. */
        successThreshold: yaml.success_threshold,
        /** When a site is down: as many of the votes that there are, or this many agents. */
        downWhen: yaml.down_when,
      },
      /** By name. */
      channels: yaml.channels as Readonly<Record<string, Channel>>,
      /** The first one that matches says who is told; with `goesOn`, so does the next that does. */
      routes: yaml.routes.map(({ continue: goesOn, ...route }) => ({ ...route, goesOn })),
      /** How long sites of one host are waited for, to be told of together. */
      groupWaitMs: yaml.group_wait * 1_000,
      /** Between two reminders of an incident; null: there are none. */
      reminderMs: yaml.reminder && yaml.reminder * 1_000,
      /** Asked every minute while all is well; null: nothing is. */
      heartbeatUrl: yaml.heartbeat_url,
      /** Where /metrics, /healthz and /readyz are served; null: nowhere. */
      listen: yaml.listen,
    });
  },
});

export type AlertsConfig = ReturnType<ReturnType<typeof alertsPart.load>>;
export type AlertRules = AlertsConfig["rules"];
