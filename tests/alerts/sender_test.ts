import { assert, assertEquals } from "@std/assert";
import { sendNotifications } from "../../alerts/sender.ts";
import { signedHeaders } from "../../alerts/webhook.ts";
import { waitFor } from "../../local/wait.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type OwnDatabase, ownDatabase } from "../db/fixture.ts";
import { recordingLog } from "../support/recording_log.ts";
import { type Answer, startReceiver } from "./receiver.ts";

const WAIT_MS = 60_000;

/** Owes "opened" and "resolved" of `count` incidents to a channel. */
async function owe({ rows }: OwnDatabase, channel: string, count: number): Promise<void> {
  await rows(
    `INSERT INTO notifications (incident_id, channel, event, body)
     SELECT n, $1, event, jsonb_build_object(
       'event', event, 'incident', jsonb_build_object('site', 'site ' || n))
     FROM unnest(ARRAY['opened', 'resolved']) AS event, generate_series(1, $2) AS n`,
    [channel, count],
  );
}

const DONE = "SELECT count(*) = 0 FROM notifications WHERE state = 'pending'";

async function withSenders(
  database: OwnDatabase,
  channels: Parameters<typeof sendNotifications>[0]["channels"],
  count: number,
  work: () => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const running = Array.from({ length: count }, () =>
    sendNotifications({
      pool: database.pool,
      channels,
      fetch,
      clock: systemClock,
      log: recordingLog(),
      signal: controller.signal,
      timeoutMs: 300,
      firstWaitMs: 20,
    }));
  try {
    await work();
  } finally {
    controller.abort();
    await Promise.all(running);
  }
}

Deno.test("signedHeaders() signs as the Standard Webhooks specification's example", () => {
  // Of the specification's own libraries, by their test vector.
  const headers = signedHeaders(
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1_614_265_330_999,
    '{"test": 2432232314}',
  );
  assertEquals(headers["webhook-timestamp"], "1614265330");
  assertEquals(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

for (
  const [what, answers] of [
    ["takes all", []],
    ["fails", ["fail", "fail", "fail"]],
    ["hangs", ["hang", "fail", "hang"]],
    ["answers after it has taken", ["late", "late", "fail", "late"]],
  ] as [string, Answer[]][]
) {
  Deno.test(`sendNotifications() sends each once and in order where a receiver ${what}`, async () => {
    await using database = await ownDatabase({ max: 8 });
    await using receiver = await startReceiver((n) => answers[n] ?? "take");
    await owe(database, "hook", 3);
    await withSenders(
      database,
      { hook: receiver.channel },
      2,
      () => waitFor("all is sent", async () => await database.value(DONE) === true, WAIT_MS),
    );
    assertEquals(receiver.wrong, []);
    const told = receiver.told();
    assertEquals(
      told.toSorted(),
      [1, 2, 3].flatMap((n) => [`site ${n} opened`, `site ${n} resolved`]),
    );
    for (const n of [1, 2, 3]) {
      assert(told.indexOf(`site ${n} opened`) < told.indexOf(`site ${n} resolved`));
    }
    assertEquals(receiver.requests(), 6 + answers.length);
    assertEquals(await database.rows("SELECT DISTINCT state, error FROM notifications"), [
      { state: "sent", error: null },
    ]);
  });
}

Deno.test("sendNotifications() has no channel wait for another", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using good = await startReceiver(() => "take");
  await using bad = await startReceiver(() => "hang");
  await owe(database, "bad", 30);
  await owe(database, "good", 30);
  const channels = { bad: bad.channel, good: good.channel };
  await withSenders(
    database,
    channels,
    1,
    () =>
      waitFor("the good one has all", () => Promise.resolve(good.told().length === 60), WAIT_MS),
  );
  const left =
    "SELECT count(*)::int FROM notifications WHERE state = 'pending' AND channel = 'bad'";
  assertEquals(await database.value(left), 60);
});

Deno.test("sendNotifications() sends what a dead alerter has leased, once its lease is over", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await owe(database, "hook", 2);
  await database.rows(
    `UPDATE notifications SET attempts = 1, due_at = now() + interval '1 s' *
       CASE incident_id WHEN 1 THEN 3600 ELSE 1 END WHERE event = 'opened'`,
  );
  await withSenders(
    database,
    { hook: receiver.channel },
    1,
    () => waitFor("one is sent", () => Promise.resolve(receiver.told().length === 2), WAIT_MS),
  );
  // That of the other is not over, and its resolution waits for it.
  assertEquals(receiver.told(), ["site 2 opened", "site 2 resolved"]);
});

Deno.test("sendNotifications() gives up after a day, and tells of no end whose start nobody has", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "fail");
  await owe(database, "hook", 1);
  await database.rows("UPDATE notifications SET created_at = now() - interval '25 h'");
  await withSenders(
    database,
    { hook: receiver.channel },
    1,
    () => waitFor("it is given up", async () => await database.value(DONE) === true, WAIT_MS),
  );
  assertEquals(receiver.requests(), 1);
  assertEquals(await database.rows("SELECT event, state, error FROM notifications ORDER BY id"), [
    { event: "opened", state: "failed", error: "The receiver answered with status 503" },
    { event: "resolved", state: "failed", error: "What came before it was given up" },
  ]);
});
