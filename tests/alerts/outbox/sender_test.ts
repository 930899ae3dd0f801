import { assert, assertEquals } from "@std/assert";
import { waitFor } from "../../../local/wait.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { ownDatabase } from "../../db/fixture.ts";
import { type Answer, startReceiver } from "../receiver.ts";
import { addIncidents, allSent, owe, WAIT_MS, withSenders } from "./fixture.ts";

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
    await addIncidents(database, 3);
    await owe(database, "hook", "opened");
    const lines = await withSenders(database, { hook: receiver.channel }, async () => {
      await allSent(database);
      await owe(database, "hook", "resolved");
      await allSent(database);
    }, { count: 2, fetch: receiver.fetch });
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
    assertEquals(await database.rows("SELECT failing_since, failures FROM channels"), [
      { failing_since: null, failures: 0 },
    ]);
    // Once for the channel, not for each notification.
    const errors = lines.filter(({ level }) => level === "error");
    assertEquals(errors.length, answers.length > 0 ? 1 : 0, JSON.stringify(errors));
  });
}

Deno.test("sendNotifications() signs for the database's time, whatever the alerter's clock says", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await addIncidents(database, 1);
  await owe(database, "hook", "opened");
  const clock = { ...systemClock, now: () => Date.now() - 3_600_000 };
  await withSenders(database, { hook: receiver.channel }, () => allSent(database), { clock });
  assertEquals([receiver.told(), receiver.wrong], [["site 1 opened"], []]);
});

Deno.test("sendNotifications() says both in one where the end comes before the opening was sent", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await addIncidents(database, 2);
  await owe(database, "hook", "opened");
  await owe(database, "hook", "acknowledged");
  await owe(database, "hook", "resolved", ["site 1"]);
  await withSenders(database, { hook: receiver.channel }, () => allSent(database));
  assertEquals(receiver.told().toSorted(), [
    "site 1 resolved",
    "site 2 acknowledged",
    "site 2 opened",
  ]);
  const both = receiver.taken.find(({ notice }) => notice.event === "resolved")!.notice;
  assertEquals(both.includesOpening, true);
  assertEquals(
    await database.rows(
      `SELECT event, state FROM notifications WHERE incident_id = 1 ORDER BY id`,
    ),
    [
      { event: "opened", state: "merged" },
      { event: "acknowledged", state: "withdrawn" },
      { event: "resolved", state: "sent" },
    ],
  );
});

Deno.test("sendNotifications() says both where nobody knows whether the opening was taken", async () => {
  await using database = await ownDatabase({ max: 8 });
  let isOver = false;
  await using receiver = await startReceiver(() => isOver ? "take" : "late");
  await addIncidents(database, 1);
  await owe(database, "hook", "opened");
  await withSenders(database, { hook: receiver.channel }, async () => {
    await waitFor("it was tried", () => receiver.taken.length > 0, WAIT_MS);
    await owe(database, "hook", "resolved");
    isOver = true;
    await allSent(database);
  }, { fetch: receiver.fetch });
  assertEquals(receiver.told(), ["site 1 opened", "site 1 resolved"]);
  assertEquals(receiver.taken.at(-1)!.notice.includesOpening, true);
});

Deno.test("sendNotifications() has no channel wait for another", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using good = await startReceiver(() => "take");
  await using bad = await startReceiver(() => "hang");
  await addIncidents(database, 9);
  await owe(database, "bad", "opened");
  await owe(database, "good", "opened");
  const channels = { bad: bad.channel, good: good.channel };
  await withSenders(
    database,
    channels,
    () => waitFor("the good one has all", () => good.told().length === 9, WAIT_MS),
    { fetch: bad.fetch },
  );
  const left =
    "SELECT count(*)::int FROM notifications WHERE state = 'pending' AND channel = 'bad'";
  assertEquals(await database.value(left), 9);
});

Deno.test("sendNotifications() tries a channel that fails with one message at a time", async () => {
  await using database = await ownDatabase({ max: 8 });
  let fails = true;
  const tried: string[] = [];
  await using receiver = await startReceiver((_, body) => {
    tried.push(JSON.parse(body).incident.site);
    return fails ? "fail" : "take";
  });
  await addIncidents(database, 9);
  await owe(database, "hook", "opened");
  await withSenders(database, { hook: receiver.channel }, async () => {
    await waitFor("some tries failed", () => receiver.requests() >= 12, WAIT_MS);
    // All nine at the start, then one by one, the least tried first.
    assertEquals([new Set(tried.slice(0, 9)).size, new Set(tried.slice(9, 12)).size], [9, 3]);
    fails = false;
    await allSent(database);
  });
  assertEquals(receiver.told().length, 9);
});

Deno.test("sendNotifications() lets a message that is refused wait by itself", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver((_, body) =>
    body.includes("site 1") ? "refuse" : "take"
  );
  await addIncidents(database, 3);
  await owe(database, "hook", "opened");
  await withSenders(database, { hook: receiver.channel }, async () => {
    await waitFor("two are sent", () => receiver.told().length === 2, WAIT_MS);
    const refused = "SELECT count(*)::int FROM notifications WHERE error IS NOT NULL";
    await waitFor("one was refused", async () => await database.value(refused) === 1, WAIT_MS);
    await owe(database, "hook", "resolved", ["site 2"]);
    await waitFor("a third is sent", () => receiver.told().length === 3, WAIT_MS);
  });
  assertEquals(receiver.told().toSorted(), ["site 2 opened", "site 2 resolved", "site 3 opened"]);
  const waiting = `SELECT due_at > first_tried_at + interval '2 s' AS waits, error
    FROM notifications WHERE state = 'pending'`;
  assertEquals(await database.rows(waiting), [
    { waits: true, error: "The receiver answered with status 422: no" },
  ]);
});

Deno.test("sendNotifications() tells once of the sites of one host that fail alike, and of their ends", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await addIncidents(database, 4, { host: (n) => n === 4 ? "other.example" : "shop.example" });
  await owe(database, "hook", "opened");
  await withSenders(database, { hook: receiver.channel }, async () => {
    await allSent(database);
    await owe(database, "hook", "resolved");
    await allSent(database);
  });
  const told = receiver.taken.map(({ notice: { event, incident, incidents = [incident] } }) =>
    `${event} ${incidents.map(({ site }) => site).toSorted().join()}`
  );
  assertEquals(told.toSorted(), [
    "opened site 1,site 2,site 3",
    "opened site 4",
    "resolved site 1,site 2,site 3",
    "resolved site 4",
  ]);
});

Deno.test("sendNotifications() tells once of agents that fall silent together", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await database.rows(
    `WITH silent AS (
       INSERT INTO incidents
         (agent, kind, severity, opened_at, cause, locations, evidence, labels)
       SELECT gen_random_uuid(), 'agent_silent', 'critical', now(),
         format('nobody else watches %s sites', n), ARRAY['place ' || n], '[]', '{}'
       FROM generate_series(2, 3) AS n RETURNING id
     )
     INSERT INTO notifications (incident_id, channel, event) SELECT id, 'hook', 'opened' FROM silent`,
  );
  await withSenders(database, { hook: receiver.channel }, () => allSent(database));
  assertEquals(
    receiver.taken.map(({ notice: { incidents } }) => incidents?.map(({ site }) => site).sort()),
    [["agent place 2", "agent place 3"]],
  );
});

Deno.test("sendNotifications() sends what a dead alerter has leased, once its lease is over", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await addIncidents(database, 2);
  await owe(database, "hook", "opened");
  await database.rows(
    `UPDATE notifications SET attempts = 1, leased_until = now() + interval '1 s' *
       CASE incident_id WHEN 1 THEN 3600 ELSE 1 END`,
  );
  await owe(database, "hook", "resolved");
  await withSenders(
    database,
    { hook: receiver.channel },
    () => waitFor("one is sent", () => receiver.told().length === 1, WAIT_MS),
  );
  // That of the other is not over, and its resolution waits for it.
  assertEquals(receiver.told(), ["site 2 resolved"]);
});
