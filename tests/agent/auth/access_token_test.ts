import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AccessToken } from "../../../agent/auth/oauth2.ts";
import { askWithin } from "../../../agent/check/ask_within.ts";
import type { HttpClient, HttpRecord, HttpRequest } from "../../../agent/http/types.ts";
import type { Auth } from "../../../agent/auth/index.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { response } from "../support.ts";

const NEVER = new AbortController().signal;
const AUTH: Extract<Auth, { kind: "oauth2" }> = {
  kind: "oauth2",
  token_url: "https://login.test/token",
  client_id: "monitor & co",
  client_secret: "s3cret:%ü",
  scope: "read write",
};

/** A token server whose answers a test gives one by one, and an access token from it. */
function server(options: { closed?: AbortSignal } = {}) {
  const clock = new FakeClock();
  const requests: HttpRequest[] = [];
  const answers: ((record: HttpRecord) => void)[] = [];
  const signals: AbortSignal[] = [];
  const client: HttpClient = (request, signal) => {
    requests.push(request);
    signals.push(signal);
    return new Promise((resolve) => {
      answers.push(resolve);
      signal.addEventListener("abort", () => {
        resolve(response({ status: null, error: { class: "timeout", message: "cut" } }));
      });
    });
  };
  const way = { proxy: "http://proxy.test:3128" };
  const { closed = NEVER } = options;
  const ask = (request: HttpRequest, limitMs: number) =>
    askWithin(client, { ...way, ...request }, limitMs, closed, clock);
  const token = new AccessToken(AUTH, ask, clock);
  const answer = (n: number, seconds: number) => {
    answers[n]!(response({ text: JSON.stringify({ access_token: `t${n}`, expires_in: seconds }) }));
  };
  return { token, clock, requests, answers, signals, answer, get: () => token.get(5_000, NEVER) };
}

Deno.test("AccessToken asks by client credentials, with the secret in the header alone", async () => {
  const { clock, requests, answer, get } = server();
  const outcome = get();
  await clock.advance(0);
  answer(0, 3_600);
  assertEquals(await outcome, { value: "t0" });
  const [request] = requests;
  const { body, headers, ...rest } = request!;
  assertEquals(rest, {
    url: "https://login.test/token",
    method: "POST",
    readBodyBytes: 65_536,
    followRedirects: false,
    proxy: "http://proxy.test:3128",
  });
  assertEquals(
    new TextDecoder().decode(body!),
    "grant_type=client_credentials&scope=read+write",
  );
  const authorization = headers!.find(([name]) => name === "Authorization")![1];
  assertEquals(
    new TextDecoder().decode(
      Uint8Array.from(atob(authorization.slice("Basic ".length)), (c) => c.charCodeAt(0)),
    ),
    "monitor+%26+co:s3cret%3A%25%C3%BC",
  );
  assertEquals(clock.pending, 0);
});

Deno.test("AccessToken asks once, however many need it, and keeps what it got", async () => {
  const { clock, requests, answer, get } = server();
  const all = [get(), get(), get()];
  await clock.advance(0);
  answer(0, 3_600);
  assertEquals(await Promise.all(all), [{ value: "t0" }, { value: "t0" }, { value: "t0" }]);
  await clock.advance(3_000_000);
  assertEquals(await get(), { value: "t0" });
  assertEquals(requests.length, 1);
});

for (
  const { seconds, renewedAfterS } of [
    { seconds: 3_600, renewedAfterS: 3_240 },
    { seconds: 100, renewedAfterS: 70 },
    { seconds: 20, renewedAfterS: 10 },
  ]
) {
  Deno.test(`AccessToken renews one of ${seconds} s after ${renewedAfterS} s, while it serves on`, async () => {
    const { clock, requests, answer, get } = server();
    const first = get();
    await clock.advance(0);
    answer(0, seconds);
    await first;
    await clock.advance(renewedAfterS * 1_000 - 1);
    await get();
    assertEquals(requests.length, 1);
    await clock.advance(1);
    assertEquals(await get(), { value: "t0" });
    assertEquals(await get(), { value: "t0" });
    assertEquals(requests.length, 2);
    answer(1, seconds);
    await clock.advance(0);
    assertEquals(await get(), { value: "t1" });
  });
}

Deno.test("AccessToken waits for a new one where the old one has ended, in a sleep of the machine too", async () => {
  for (const sleep of ["awake", "asleep"]) {
    const { clock, requests, answer, get } = server();
    const first = get();
    await clock.advance(0);
    answer(0, 3_600);
    await first;
    if (sleep === "awake") clock.stall(3_600_000);
    else clock.setWallBy(3_600_000);
    const second = get();
    await clock.advance(0);
    assertEquals(requests.length, 2);
    answer(1, 3_600);
    assertEquals(await second, { value: "t1" });
  }
});

Deno.test("AccessToken goes on with the old one where the renewal fails, and asks again later", async () => {
  const { clock, requests, answer, answers, get } = server();
  const first = get();
  await clock.advance(0);
  answer(0, 3_600);
  await first;
  await clock.advance(3_300_000);
  await get();
  answers[1]!(response({ status: 503 }));
  await clock.advance(4_999);
  assertEquals(await get(), { value: "t0" });
  assertEquals(requests.length, 2);
  await clock.advance(1);
  assertEquals(await get(), { value: "t0" });
  assertEquals(requests.length, 3);
});

Deno.test("AccessToken tells a failure for five seconds without asking again", async () => {
  const { clock, requests, answers, answer, get } = server();
  const first = get();
  await clock.advance(0);
  answers[0]!(response({ status: 401, text: '{"error":"invalid_client"}' }));
  const expected = {
    error: {
      class: "no_token" as const,
      message: "No access token could be had: its server answered 401 (invalid_client)",
    },
  };
  assertEquals(await first, expected);
  await clock.advance(4_999);
  assertEquals(await get(), expected);
  assertEquals(requests.length, 1);
  await clock.advance(1);
  const later = get();
  await clock.advance(0);
  answer(1, 60);
  assertEquals(await later, { value: "t1" });
});

Deno.test("AccessToken tells that its server cannot be reached", async () => {
  const { clock, answers, get } = server();
  const outcome = get();
  await clock.advance(0);
  const error = { class: "connection_refused", message: "Connection refused" } as const;
  answers[0]!(response({ status: null, error }));
  const { error: told } = await outcome as { error: { class: string; message: string } };
  assertEquals(told, {
    class: "no_token",
    message: "No access token could be had: its server: Connection refused",
  });
});

Deno.test("AccessToken drops a token that was refused, but no later one", async () => {
  const { token, clock, requests, answer, get } = server();
  const first = get();
  await clock.advance(0);
  answer(0, 3_600);
  await first;
  token.drop("t0");
  const second = get();
  await clock.advance(0);
  answer(1, 3_600);
  assertEquals(await second, { value: "t1" });
  token.drop("t0");
  assertEquals(await get(), { value: "t1" });
  assertEquals(requests.length, 2);
});

Deno.test("AccessToken ends the wait of one that has less time, not the request", async () => {
  const { token, clock, requests, answer, get } = server();
  const patient = get();
  const hasty = token.get(1_000, NEVER);
  const stop = new AbortController();
  const stopped = token.get(5_000, stop.signal);
  await clock.advance(500);
  stop.abort();
  assertEquals((await stopped as { error: { class: string } }).error.class, "aborted");
  await clock.advance(500);
  const { error } = await hasty as { error: { class: string; message: string } };
  assertEquals(error.class, "no_token");
  assertStringIncludes(error.message, "No answer within the site's timeout");
  answer(0, 60);
  assertEquals(await patient, { value: "t0" });
  assertEquals([requests.length, clock.pending], [1, 0]);
});

Deno.test("AccessToken ends its request when it is closed", async () => {
  const closing = new AbortController();
  const { clock, signals, get } = server({ closed: closing.signal });
  const outcome = get();
  await clock.advance(0);
  closing.abort();
  assert(signals[0]!.aborted);
  assert("error" in await outcome);
  assertEquals(clock.pending, 0);
});
