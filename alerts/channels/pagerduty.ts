import { textLike } from "../../config/fields.ts";
import type { Message } from "../message/message.ts";
import { cut, LINK_TEXT, wordsOf } from "../message/words.ts";
import { url } from "./fields.ts";
import { channelKind } from "./kind.ts";
import { post } from "./post.ts";

const URL_US = "https://events.pagerduty.com/v2/enqueue";
const MOST_SUMMARY = 1_024;
const ROUTING_KEY = "an integration key of Events API v2 (32 letters and digits)";

/** Events API v2: one alert a thread, which the last of its incidents resolves. */
export const pagerduty = channelKind({
  type: "pagerduty",
  keys: { routing_key: textLike(ROUTING_KEY, /^[A-Za-z0-9]{32}$/), url: url().nullish() },
  secrets: ["routing_key"],
  hasThreads: true,
  // PagerDuty reminds by itself.
  ignores: ["reminder"],
  send: async (message, { routing_key, url }, deps) => {
    const event = pagerDutyEvent(message, deps.nowMs);
    if (event === null) return "nothing to say: others of the same alert are open still";
    return await post(url ?? URL_US, { body: { routing_key, ...event } }, deps);
  },
});

/**
 * What is posted, but for the routing key; null where the alert stays as it is.
 *
 * @param now Wall clock, milliseconds since 1970
 */
function pagerDutyEvent(message: Message, now: number) {
  const { event, thread, incidents, left } = message;
  const first = incidents[0]!;
  const { title, facts, list, link, tone } = wordsOf(message, now);
  const links = link ? { links: [{ href: link, text: LINK_TEXT }] } : {};
  if (event === "resolved") {
    return left > 0 ? null : { event_action: "resolve", dedup_key: thread };
  }
  if (event === "acknowledged") {
    return left > incidents.length ? null : { event_action: "acknowledge", dedup_key: thread };
  }
  const host = URL.parse(first.url)?.host;
  return {
    event_action: "trigger",
    dedup_key: thread,
    client: "httpmon",
    ...link && { client_url: link },
    ...links,
    payload: {
      summary: cut(title, MOST_SUMMARY),
      source: host ?? first.site,
      severity: tone === "critical" || tone === "warning" ? tone : "info",
      timestamp: first.openedAt,
      component: first.site,
      ...first.labels.group && { group: first.labels.group },
      class: first.evidence.at(-1)?.seen?.reason ?? first.kind,
      custom_details: {
        ...Object.fromEntries(facts.map(([name, value]) => [name.toLowerCase(), value])),
        ...list.length > 0 && { sites: list },
      },
    },
  };
}
