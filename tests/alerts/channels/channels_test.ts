/** Each kind of channels against a server on loopback that checks what the service would. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Channel, kindOf } from "../../../alerts/channels/index.ts";
import { SendError } from "../../../alerts/channels/kind.ts";
import type { PRESETS } from "../../../alerts/channels/presets.ts";
import type { Message } from "../../../alerts/message/message.ts";
import { ALL, HOSTILE, message, NOW } from "../message/samples.ts";
import { type Answer, type Request, schemaOf, startHttp, validator } from "./http_receiver.ts";

const DEPS = { fetch, nowMs: NOW, timeoutMs: 60_000 };
const ROUTING_KEY = "0123456789abcdef0123456789abcdef";

function send(channel: Channel, message: Message): Promise<string> {
  return kindOf(channel).send(message, channel, DEPS);
}

/** Sends all that there is to send. @returns The requests, by the messages' names */
async function sendAll(
  channelOf: (url: string) => Channel,
  answer: (request: Request) => Answer,
  check: (body: unknown) => string | null,
): Promise<Record<string, Request>> {
  await using server = await startHttp(answer, check);
  const channel = channelOf(server.url);
  const found: Record<string, Request> = {};
  for (const [name, message] of Object.entries(ALL)) {
    const { ignores, most = Infinity } = kindOf(channel);
    if (ignores?.includes(message.event) || message.incidents.length > most) continue;
    const before = server.requests.length;
    await send(channel, message);
    const request = server.requests[before];
    if (request) found[name] = request;
  }
  return found;
}

Deno.test("slack sends what an incoming webhook takes, and no markup of a site's", async () => {
  const found = await sendAll(
    (url) => ({ type: "slack", url: `${url}/services/T/B/x` }),
    () => ({ status: 200, body: "ok" }),
    schemaOf("slack"),
  );
  assertEquals(Object.keys(found), Object.keys(ALL));
  const { text, attachments: [{ color, blocks }] } = found.opened!.body;
  assertEquals(text, "🔴 *shop is down: status 503*");
  assertEquals(color, "#d92d20");
  assert(
    JSON.stringify(blocks).includes("<https://status.example/incidents/42|Open in the dashboard>"),
  );
  const all = JSON.stringify(found.hostile!.body).replace(/<https:[^>]*>/, "");
  assert(!/[<>]/.test(all), all);
  assert(all.includes("&lt;!channel&gt;"));
});

Deno.test("pagerduty sends what Events API v2 takes: one alert a thread", async () => {
  const found = await sendAll(
    (url) => ({ type: "pagerduty", routing_key: ROUTING_KEY, url: `${url}/v2/enqueue` }),
    ({ body: { dedup_key } }) => ({
      status: 202,
      body: JSON.stringify({ status: "success", message: "Event processed", dedup_key }),
    }),
    schemaOf("pagerduty"),
  );
  const actions = Object.entries(found).map(([name, { body }]) => [name, body.event_action]);
  assertEquals(Object.fromEntries(actions), {
    opened: "trigger",
    acknowledged: "acknowledge",
    resolved: "resolve",
    // Nobody is paged for what is over.
    both: "resolve",
    "several opened": "trigger",
    // "several resolved" leaves one open.
    many: "trigger",
    bare: "trigger",
    hostile: "trigger",
    "of another kind": "trigger",
    "of a test": "trigger",
  });
  assertEquals(new Set(Object.values(found).map(({ body }) => body.dedup_key)), new Set(["key-1"]));
  const { payload, links } = found.opened!.body;
  assertEquals(payload.summary, "shop is down: status 503");
  assertEquals([payload.source, payload.severity, payload.class, payload.group], [
    "shop.example",
    "critical",
    "status",
    "web",
  ]);
  assertEquals(links, [{
    href: "https://status.example/incidents/42",
    text: "Open in the dashboard",
  }]);
});

/** What each preset's service takes: the required keys and the lengths of its documentation. */
const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });
const object = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  type: "object",
  required,
  properties,
});
const SERVICES: Record<keyof typeof PRESETS, {
  channel: Record<string, string>;
  path: (event: string) => string;
  schema: object;
  headers?: Record<string, string>;
}> = {
  discord: {
    channel: { url: "/api/webhooks/1/abc" },
    path: () => "/api/webhooks/1/abc",
    schema: object({
      embeds: {
        type: "array",
        maxItems: 10,
        items: object({
          title: text(256),
          description: text(4_096),
          color: { type: "integer" },
          timestamp: { type: "string", format: "date-time" },
        }),
      },
      allowed_mentions: object({ parse: { type: "array", maxItems: 0 } }),
    }),
  },
  teams: {
    channel: { url: "/workflows/x/triggers/manual/paths/invoke?sig=abc" },
    path: () => "/workflows/x/triggers/manual/paths/invoke?sig=abc",
    schema: object({
      type: { const: "message" },
      attachments: {
        type: "array",
        items: object({
          contentType: { const: "application/vnd.microsoft.card.adaptive" },
          content: object({
            type: { const: "AdaptiveCard" },
            version: { const: "1.4" },
            body: {
              type: "array",
              items: object({ type: { const: "TextBlock" }, text: text(25_000) }),
            },
          }),
        }),
      },
    }),
  },
  telegram: {
    channel: { url: "", token: "1:AAf-x", chat_id: "-100" },
    path: () => "/bot1:AAf-x/sendMessage",
    schema: object({ chat_id: { const: "-100" }, text: text(4_096) }),
  },
  ntfy: {
    channel: { url: "", topic: "on-call", token: "tk_1" },
    path: () => "/",
    headers: { authorization: "Bearer tk_1" },
    schema: object({
      topic: { const: "on-call" },
      title: text(250),
      message: text(4_096),
      priority: { type: "integer", minimum: 1, maximum: 5 },
      tags: { type: "array", items: text(50) },
    }),
  },
  opsgenie: {
    channel: { url: "", api_key: "k" },
    path: (event) =>
      `/v2/alerts${
        event === "opened"
          ? ""
          : `/key-1/${
            event === "resolved" ? "close" : event === "acknowledged" ? "acknowledge" : "notes"
          }?identifierType=alias`
      }`,
    headers: { authorization: "GenieKey k" },
    schema: {
      oneOf: [
        object({
          message: text(130),
          alias: text(512),
          description: text(15_000),
          entity: text(512),
          source: text(100),
          priority: { enum: ["P1", "P2", "P3", "P4", "P5"] },
          details: { type: "object", additionalProperties: { type: "string" } },
        }),
        { ...object({ note: text(25_000), source: text(100) }), additionalProperties: false },
      ],
    },
  },
  gotify: {
    channel: { url: "/", token: "A1" },
    path: () => "/message",
    headers: { "x-gotify-key": "A1" },
    schema: object({
      title: text(300),
      message: text(20_000),
      priority: { type: "integer", minimum: 0, maximum: 10 },
    }),
  },
  pushover: {
    channel: { url: "", token: "a", user: "u" },
    path: () => "/1/messages.json",
    schema: object({
      token: { const: "a" },
      user: { const: "u" },
      title: text(250),
      message: text(1_024),
      priority: { type: "integer", minimum: -2, maximum: 1 },
      timestamp: { type: "integer" },
    }),
  },
  mattermost: {
    channel: { url: "/hooks/x" },
    path: () => "/hooks/x",
    schema: object({
      attachments: {
        type: "array",
        items: object({
          fallback: text(300),
          color: text(7),
          title: text(300),
          text: text(16_383),
        }),
      },
    }),
  },
  google_chat: {
    channel: { url: "/v1/spaces/A/messages?key=k&token=t" },
    path: () =>
      "/v1/spaces/A/messages?key=k&token=t&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
    schema: object({ text: text(4_096), thread: object({ threadKey: { const: "key-1" } }) }),
  },
  matrix: {
    channel: { url: "", token: "syt", room: "!a/b:example.org" },
    path: (event) =>
      `/_matrix/client/v3/rooms/!a%2Fb:example.org/send/m.room.message/${
        event === "opened" ? "key-1" : "key-2"
      }`,
    headers: { authorization: "Bearer syt" },
    schema: object({ msgtype: { const: "m.text" }, body: text(65_536) }),
  },
};

for (const [type, { channel, path, schema, headers = {} }] of Object.entries(SERVICES)) {
  Deno.test(`${type} sends what its service takes`, async () => {
    const found = await sendAll(
      (url) =>
        ({
          type,
          ...channel,
          ...channel.url !== undefined && { url: url + channel.url },
        }) as Channel,
      () => ({ status: 200, body: "{}" }),
      validator(schema),
    );
    assertEquals(Object.keys(found), Object.keys(ALL));
    for (const event of ["opened", "acknowledged", "reminder", "resolved"]) {
      const { method, path: asked, headers: sent } = found[event]!;
      assertEquals(asked, path(event));
      assertEquals(method, type === "matrix" ? "PUT" : "POST");
      for (const [name, value] of Object.entries(headers)) assertEquals(sent[name], value);
      const all = JSON.stringify(found[event]!.body);
      assert(!all.includes("{{"), all);
      assert(!all.includes("undefined"), all);
    }
  });
}

Deno.test("ntfy sends no login where there is no token", async () => {
  await using server = await startHttp();
  await send({ type: "ntfy", url: server.url, topic: "t" }, message());
  assertEquals(server.requests[0]!.headers.authorization, undefined);
});

Deno.test("webhook sends by a template of its own", async () => {
  await using server = await startHttp();
  const url = `${server.url}/hook`;
  const template = {
    what: "{{title}}",
    short: "{{title|10}}",
    site: "{{incident.site}}",
    labels: "{{incident.labels}}",
    team: "{{incident.labels.team}}",
    by: "by {{incident.labels.team}}",
    level: { $by: "tone", critical: 1, else: 2 },
    list: ["{{count}}", "{{event}}"],
  };
  await send(
    { type: "webhook", url, template, headers: { "x-key": "k" }, method: "PUT" },
    message(),
  );
  await send({ type: "webhook", url, template: "{{mark}} {{title}}" }, message());
  const [json, plain] = server.requests;
  assertEquals(json!.body, {
    what: "shop is down: status 503",
    short: "shop is d…",
    site: "shop",
    labels: { group: "web" },
    by: "by ",
    level: 1,
    list: [1, "opened"],
  });
  assertEquals([json!.method, json!.headers["x-key"], json!.headers["webhook-id"]], [
    "PUT",
    "k",
    "key-1",
  ]);
  assertEquals(plain!.body, "🔴 shop is down: status 503");
});

Deno.test("a template takes what a site said for what it is", async () => {
  await using server = await startHttp();
  await send(
    { type: "webhook", url: server.url, template: { a: "{{incident.site}}!" } },
    ALL.hostile!,
  );
  assertEquals(server.requests[0]!.body, { a: `${HOSTILE}!` });
});

for (
  const [what, answer, expected] of [
    ["503", { status: 503, body: "busy" }, {
      message: "The receiver answered with status 503: busy",
      isRefused: false,
      retryAfterMs: null,
    }],
    ["429", { status: 429, headers: { "retry-after": "30" } }, {
      message: "The receiver answered with status 429",
      isRefused: false,
      retryAfterMs: 30_000,
    }],
    ["400", { status: 400, body: "invalid_blocks" }, {
      message: "The receiver answered with status 400: invalid_blocks",
      isRefused: true,
      retryAfterMs: null,
    }],
    ["a redirect", { status: 302, headers: { location: "/" } }, {
      message: "The receiver answered with status 302",
      isRefused: false,
      retryAfterMs: null,
    }],
  ] as [string, Answer, Partial<SendError>][]
) {
  Deno.test(`post() says what ${what} means`, async () => {
    await using server = await startHttp(() => answer);
    const error = await assertRejects(
      () => send({ type: "slack", url: server.url }, message()),
      SendError,
    );
    const { message: said, isRefused, retryAfterMs } = error;
    assertEquals({ message: said, isRefused, retryAfterMs }, expected);
  });
}
