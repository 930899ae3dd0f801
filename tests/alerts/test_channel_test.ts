import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Channel } from "../../alerts/channels/index.ts";
import { testChannel } from "../../alerts/test_channel.ts";
import { systemClock } from "../../runtime/clock.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { httpmon } from "../db/run_mode.ts";
import { printed } from "../support/program/mode_here.ts";
import { type Answer, startHttp } from "./channels/http_receiver.ts";
import { startSmtp } from "./channels/smtp_server.ts";
import { SECRET, startReceiver } from "./receiver.ts";

/** What it prints, and the exit code; nobody waits for longer than `ms`. */
async function tested(
  channel: Channel,
  ms = 60_000,
): Promise<[code: number | null, printed: string]> {
  const { code, stdout } = await printed(() =>
    testChannel("on-call", {
      channels: { "on-call": channel },
      link: null,
      fetch: (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(ms) }),
      clock: systemClock,
      signal: new AbortController().signal,
    })
  );
  return [code, stdout];
}

Deno.test("httpmon alerts --test sends a signed sample, and tells what was answered", async () => {
  await using receiver = await startReceiver(() => "take");
  const config = JSON.stringify({
    alerts: { channels: { "on-call": receiver.channel } },
    web: { public_url: "https://status.example" },
  });
  const run = (channel: string) =>
    httpmon("postgres://127.0.0.1:9/none", ["alerts", "--test", channel], { config });
  const { code, stdout } = await run("on-call");
  assertEquals([code, stdout], [0, "on-call (webhook): taken, status 204\n"]);
  const [{ notice }] = receiver.taken as [typeof receiver.taken[number]];
  assertEquals([receiver.wrong, notice.event, notice.incident.site], [[], "test", "sample"]);
  const nobody = await run("nobody");
  assertEquals([nobody.code, nobody.stdout], [2, ""]);
  assertMatch(nobody.stderr, /needs a channel of "alerts" \("on-call"\), found "nobody"\n$/);
});

for (
  const [what, answer, expected] of [
    ["takes", { status: 200, body: "ok" }, [0, "taken, status 200: ok"]],
    ["refuses", { status: 404, body: "no_service" }, [
      1,
      "not taken: The receiver answered with status 404: no_service",
    ]],
    ["says a secret again", { status: 403, body: `not with ${SECRET}` }, [
      1,
      "not taken: The receiver answered with status 403: not with (hidden)",
    ]],
  ] as [string, Answer, [number, string]][]
) {
  Deno.test(`testChannel() tells of a receiver that ${what}`, async () => {
    await using server = await startHttp(() => answer);
    const [code, said] = await tested({ type: "webhook", url: server.url, secret: SECRET });
    assertEquals([code, said], [expected[0], `on-call (webhook): ${expected[1]}\n`]);
  });
}

Deno.test("testChannel() waits for no receiver that hangs, and tells of one that is away", async () => {
  await using receiver = await startReceiver(() => "hang");
  assertEquals(await tested(receiver.channel, 50), [
    1,
    "on-call (webhook): not taken: No answer within 15 s\n",
  ]);
  const [code, said] = await tested({ type: "slack", url: "http://127.0.0.1:9/s3cret-path" });
  assertEquals([code, /s3cret/.test(said)], [1, false], said);
  assertMatch(said, /^on-call \(slack\): not taken: /);
});

Deno.test("testChannel() sends mail, and never prints its password", async () => {
  await using server = await startSmtp();
  const { port, ca, mails } = server;
  const channel = (password: string): Channel => ({
    ...{ type: "email", host: "localhost", port, ca, username: "ops", password },
    ...{ from: "httpmon@mon.example", to: "ops@example.com" },
  });
  assertEquals(await tested(channel("correct horse")), [
    0,
    "on-call (email): taken, 250 queued as 1\n",
  ]);
  assertEquals(mails[0]!.headers.subject, "Test: sample is down: status 503");
  // A word of what the server answers.
  const [code, said] = await tested(channel("username"));
  assertEquals(code, 1);
  assertMatch(
    said,
    /^on-call \(email\): not taken: Invalid login: .*Invalid (Username|\(hidden\)) or password\n$/i,
  );
});

Deno.test("testChannel() refuses a channel that the config has not, where there are none", async () => {
  const deps = {
    ...{ channels: {}, link: null, fetch, clock: systemClock },
    signal: new AbortController().signal,
  };
  // A name of every object's is no channel.
  await assertRejects(
    () => testChannel("constructor", deps),
    UsageError,
    'Option "--test" needs a channel of "alerts" (none), found "constructor"',
  );
});
