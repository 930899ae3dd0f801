import type { z } from "zod";
import { text, textLike } from "../../config/fields.ts";
import type { NoticeEvent } from "../message/message.ts";
import { LINK_TEXT } from "../message/words.ts";
import { url } from "./fields.ts";
import { channelKind } from "./kind.ts";
import { post } from "./post.ts";
import { fieldsOf, fill, fillUrl, type Template } from "./template.ts";

/** A service that takes what it is posted: a webhook whose form is known. */
interface Preset {
  /** Its keys, beside `type`. */
  keys: Readonly<Record<string, z.ZodType>>;
  /** Of its keys. */
  secrets: readonly string[];
  /** For keys that may be left out. */
  defaults?: Readonly<Record<string, string>>;
  method?: "PUT";
  url: Template;
  headers?: Readonly<Record<string, Template>>;
  /** Null: there is nothing to send. */
  body: Template;
  hasThreads?: boolean;
  ignores?: readonly NoticeEvent[];
}

const TITLE = "{{mark}} {{title}}";
/** Of PagerDuty's events, each. */
const OF_ALERT = { routing_key: "{{channel.routing_key}}", dedup_key: "{{thread}}" };
const ROUTING_KEY = "an integration key of Events API v2 (32 letters and digits)";

/** By the documentation of each; what is too long is cut to what it takes. */
export const PRESETS = {
  pagerduty: {
    keys: { routing_key: textLike(ROUTING_KEY, /^[A-Za-z0-9]{32}$/) },
    secrets: ["routing_key"],
    defaults: { url: "https://events.pagerduty.com/v2/enqueue" },
    hasThreads: true,
    // It reminds by itself.
    ignores: ["reminder"],
    url: "{{channel.url}}",
    body: {
      $by: "action",
      create: {
        ...OF_ALERT,
        event_action: "trigger",
        client: "httpmon",
        client_url: "{{link}}",
        links: { $by: "link", null: [], else: [{ href: "{{link}}", text: LINK_TEXT }] },
        payload: {
          summary: "{{title|1024}}",
          source: "{{host}}",
          severity: { $by: "tone", critical: "critical", warning: "warning", else: "info" },
          timestamp: "{{incident.openedAt}}",
          component: "{{incident.site}}",
          group: "{{incident.labels.group}}",
          class: "{{reason}}",
          custom_details: "{{details}}",
        },
      },
      acknowledge: { ...OF_ALERT, event_action: "acknowledge" },
      close: { ...OF_ALERT, event_action: "resolve" },
    },
  },
  discord: {
    keys: { url: url() },
    secrets: ["url"],
    url: "{{channel.url}}",
    body: {
      embeds: [{
        title: TITLE,
        description: "{{markdown|4096}}",
        url: "{{link}}",
        color: "{{rgb}}",
        timestamp: "{{incident.openedAt}}",
      }],
      allowed_mentions: { parse: [] },
    },
  },
  teams: {
    keys: { url: url() },
    secrets: ["url"],
    url: "{{channel.url}}",
    body: {
      type: "message",
      attachments: [{
        contentType: "application/vnd.microsoft.card.adaptive",
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          body: [
            { type: "TextBlock", size: "Medium", weight: "Bolder", wrap: true, text: TITLE },
            { type: "TextBlock", wrap: true, text: "{{markdown|20000}}" },
          ],
        },
      }],
    },
  },
  telegram: {
    keys: { token: text("a bot's token"), chat_id: text("a chat's id, or @channel, in quotes") },
    secrets: ["token"],
    defaults: { url: "https://api.telegram.org" },
    url: "{{channel.url}}/bot{{channel.token}}/sendMessage",
    body: {
      chat_id: "{{channel.chat_id}}",
      text: "{{plain|4096}}",
      link_preview_options: { is_disabled: true },
    },
  },
  ntfy: {
    keys: { topic: text("a topic"), token: text("an access token").nullish() },
    secrets: ["topic", "token"],
    defaults: { url: "https://ntfy.sh" },
    url: "{{channel.url}}",
    headers: { authorization: "Bearer {{channel.token?}}" },
    body: {
      topic: "{{channel.topic}}",
      title: "{{title}}",
      message: "{{text|2000}}",
      priority: { $by: "tone", critical: 5, warning: 4, else: 3 },
      tags: [{
        $by: "tone",
        critical: "red_circle",
        warning: "orange_circle",
        resolved: "green_circle",
        else: "blue_circle",
      }],
      click: "{{link}}",
    },
  },
  opsgenie: {
    keys: { api_key: text("an API key") },
    secrets: ["api_key"],
    defaults: { url: "https://api.opsgenie.com" },
    hasThreads: true,
    url: {
      $by: "action",
      close: "{{channel.url}}/v2/alerts/{{thread}}/close?identifierType=alias",
      acknowledge: "{{channel.url}}/v2/alerts/{{thread}}/acknowledge?identifierType=alias",
      note: "{{channel.url}}/v2/alerts/{{thread}}/notes?identifierType=alias",
      else: "{{channel.url}}/v2/alerts",
    },
    headers: { authorization: "GenieKey {{channel.api_key}}" },
    body: {
      $by: "action",
      create: {
        message: "{{title|130}}",
        alias: "{{thread}}",
        description: "{{plain|15000}}",
        entity: "{{incident.site|512}}",
        source: "httpmon",
        priority: { $by: "incident.severity", critical: "P1", warning: "P3", else: "P5" },
        details: "{{incident.labels}}",
      },
      else: { source: "httpmon", note: "{{title}}" },
    },
  },
  gotify: {
    keys: { url: url(), token: text("an application's token") },
    secrets: ["token"],
    url: "{{channel.url}}/message",
    headers: { "x-gotify-key": "{{channel.token}}" },
    body: {
      title: TITLE,
      message: "{{text}}",
      priority: { $by: "tone", critical: 8, warning: 5, else: 3 },
      extras: { "client::notification": { click: { url: "{{link}}" } } },
    },
  },
  pushover: {
    keys: { token: text("an application's token"), user: text("a user's or group's key") },
    secrets: ["token", "user"],
    defaults: { url: "https://api.pushover.net" },
    url: "{{channel.url}}/1/messages.json",
    body: {
      token: "{{channel.token}}",
      user: "{{channel.user}}",
      title: "{{title|250}}",
      message: "{{text|1024}}",
      priority: { $by: "tone", critical: 1, else: 0 },
      url: "{{link}}",
      timestamp: "{{openedAt}}",
    },
  },
  mattermost: {
    keys: { url: url() },
    secrets: ["url"],
    url: "{{channel.url}}",
    body: {
      username: "httpmon",
      attachments: [{
        fallback: TITLE,
        color: "{{colour}}",
        title: TITLE,
        title_link: "{{link}}",
        text: "{{markdown|12000}}",
      }],
    },
  },
  google_chat: {
    keys: { url: url() },
    secrets: ["url"],
    hasThreads: true,
    url: "{{channel.url}}&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
    body: { text: "{{plain|4000}}", thread: { threadKey: "{{thread}}" } },
  },
  matrix: {
    keys: {
      url: url(),
      token: text("an access token"),
      room: text('a room\'s id ("!...:server")'),
    },
    secrets: ["token"],
    method: "PUT",
    url: "{{channel.url}}/_matrix/client/v3/rooms/{{channel.room}}/send/m.room.message/{{key}}",
    headers: { authorization: "Bearer {{channel.token}}" },
    body: { msgtype: "m.text", body: "{{plain|20000}}" },
  },
} as const satisfies Record<string, Preset>;

/** The kind of channels that a preset makes. */
export function presetKind(type: keyof typeof PRESETS) {
  const preset: Preset = PRESETS[type];
  const { keys, secrets, defaults = {}, method, hasThreads, ignores } = preset;
  const optional = Object.fromEntries(Object.keys(defaults).map((key) => [key, url().nullish()]));
  return channelKind({
    type,
    keys: { ...optional, ...keys },
    secrets,
    ...{ hasThreads, ignores },
    send: async (message, channel, deps) => {
      const given = Object.entries(channel).filter(([, value]) => value !== null);
      const all = { ...defaults, ...Object.fromEntries(given) };
      const fields = fieldsOf(message, all, deps.nowMs);
      const body = fill(preset.body, fields);
      if (body === null) return "nothing to say: others of the same alert are open still";
      return await post(fillUrl(preset.url, fields), {
        method,
        headers: fill(preset.headers ?? {}, fields) as Record<string, string>,
        body,
      }, deps);
    },
  });
}
