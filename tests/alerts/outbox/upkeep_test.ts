import { assert, assertEquals } from "@std/assert";
import { newSenderStats } from "../../../alerts/outbox/stats.ts";
import { keepUp, type UpkeepDeps } from "../../../alerts/outbox/upkeep.ts";
import { waitFor } from "../../../local/wait.ts";
import { type OwnDatabase, ownDatabase } from "../../db/fixture.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { startHttp } from "../channels/http_receiver.ts";
import { SECRET, startReceiver } from "../receiver.ts";
import { addIncidents, allSent, owe, WAIT_MS, withSenders } from "./fixture.ts";

const HOOK = { type: "webhook" as const, url: "http://127.0.0.1:1/", secret: SECRET };

/** Does what is to be done once, as an alerter does at its start. */
async function once({ pool }: OwnDatabase, changes: Partial<UpkeepDeps> = {}) {
  const { channels = { one: HOOK, two: HOOK } } = changes;
  const log = recordingLog();
  const controller = new AbortController();
  const stats = newSenderStats(Object.keys(channels));
  let isDone = false;
  const clock = new FakeClock({ wall: Date.now() });
  const running = keepUp({
    pool,
    channels,
    link: null,
    fetch,
    // It waits for the next round only when one is over.
    clock: { ...clock, after: () => ((isDone = true), () => {}) },
    log,
    signal: controller.signal,
    stats,
    groupWaitMs: 0,
    sitesAt: () => 1,
    reminderMs: null,
    route: () => Object.keys(channels),
    ...changes,
  });
  await waitFor("a round is over", () => isDone, WAIT_MS);
  controller.abort();
  await running;
  return { stats, errors: log.lines.filter(({ level }) => level === "error") };
}

const NOTIFICATIONS = "SELECT channel, event, state FROM notifications ORDER BY id";

Deno.test("keepUp() gives up what was tried for a day, and what was to follow it", async () => {
  await using database = await ownDatabase();
  await addIncidents(database, 3);
  await owe(database, "one", "opened");
  await owe(database, "one", "resolved", ["site 1"]);
  await owe(database, "gone", "opened", ["site 1"]);
  // The first was tried for long, the second is not tried yet, the third is under way.
  await database.rows(
    `UPDATE notifications SET due_at = now() - interval '25 h', attempts = 1,
       first_tried_at = now() - CASE incident_id WHEN 2 THEN interval '1 h' ELSE interval '25 h' END,
       leased_until = CASE incident_id WHEN 3 THEN now() + interval '1 h' END
     WHERE event = 'opened'`,
  );
  const { stats, errors } = await once(database);
  assertEquals(await database.rows(NOTIFICATIONS), [
    { channel: "one", event: "opened", state: "failed" },
    { channel: "one", event: "opened", state: "pending" },
    { channel: "one", event: "opened", state: "pending" },
    { channel: "one", event: "resolved", state: "failed" },
    { channel: "gone", event: "opened", state: "failed" },
  ]);
  assertEquals(stats.givenUp, { one: 1, two: 0 });
  assertEquals(errors.length, 2);
});

Deno.test("keepUp() reminds of what is open and nobody has taken on", async () => {
  await using database = await ownDatabase();
  await addIncidents(database, 4);
  await owe(database, "one", "opened");
  await database.rows(
    `UPDATE notifications SET state = 'sent', created_at = now() - interval '2 h',
       sent_at = now() - CASE incident_id WHEN 2 THEN interval '1 min' ELSE interval '2 h' END`,
  );
  await database.rows("UPDATE incidents SET acknowledged_at = now() WHERE id = 3");
  await database.rows("UPDATE incidents SET closed_at = now() WHERE id = 4");
  const reminded = `SELECT incident_id::int FROM notifications WHERE event = 'reminder'`;
  for (let round = 0; round < 2; round++) {
    await once(database, { reminderMs: 3_600_000 });
    assertEquals(await database.rows(reminded), [{ incident_id: 1 }]);
  }
});

Deno.test("keepUp() makes a channel that fails an incident, which the others are told of", async () => {
  await using database = await ownDatabase({ max: 8 });
  await database.rows(
    `INSERT INTO channels (name, failing_since, error) VALUES
       ('one', now() - interval '6 min', 'status 503'), ('two', now() - interval '4 min', 'x')`,
  );
  const incidents = `SELECT channel, kind, severity, cause, closed_at IS NOT NULL AS closed
    FROM incidents`;
  const failed = {
    channel: "one",
    kind: "channel_failed",
    severity: "critical",
    cause: "status 503",
  };
  for (let round = 0; round < 2; round++) {
    const { stats } = await once(database);
    assertEquals(await database.rows(incidents), [{ ...failed, closed: false }]);
    assertEquals(stats.channels.map(({ name, failing }) => [name, failing]), [
      ["one", true],
      ["two", true],
    ]);
  }
  assertEquals(await database.rows(NOTIFICATIONS), [
    { channel: "two", event: "opened", state: "pending" },
  ]);
  await using receiver = await startReceiver(() => "take");
  await withSenders(database, { two: receiver.channel }, () => allSent(database));
  assertEquals(receiver.told(), ["channel one opened"]);
  await database.rows("UPDATE channels SET failing_since = NULL");
  await once(database);
  assertEquals(await database.rows(incidents), [{ ...failed, closed: true }]);
  await withSenders(database, { two: receiver.channel }, () => allSent(database));
  assertEquals(receiver.told(), ["channel one opened", "channel one resolved"]);
});

Deno.test("keepUp() tells an Alertmanager again what is open, and the end again where it crossed that", async () => {
  await using database = await ownDatabase();
  await using server = await startHttp();
  const channels = { am: { type: "alertmanager" as const, url: server.url } };
  await addIncidents(database, 3);
  await owe(database, "am", "opened", ["site 1", "site 2"]);
  await database.rows("UPDATE notifications SET state = 'sent', sent_at = now()");
  await owe(database, "am", "resolved", ["site 2"]);
  await once(database, { channels });
  assertEquals(server.requests.map(({ body }) => body.map((alert: Alert) => alert.labels.site)), [
    ["site 1"],
  ]);
  // Its end is told while what is open is told.
  const crossing: typeof fetch = async (...request) => {
    await owe(database, "am", "resolved", ["site 1"]);
    await database.rows("UPDATE notifications SET state = 'sent', sent_at = now()");
    return await fetch(...request);
  };
  await once(database, { channels, fetch: crossing });
  assertEquals(
    await database.rows(
      `SELECT incident_id::int, event FROM notifications WHERE state = 'pending'`,
    ),
    [{ incident_id: 1, event: "resolved" }],
  );
});

Deno.test("keepUp() notes an Alertmanager that does not listen", async () => {
  await using database = await ownDatabase();
  await using server = await startHttp(() => ({ status: 503 }));
  const channels = { am: { type: "alertmanager" as const, url: server.url } };
  await database.rows("INSERT INTO channels (name) VALUES ('am')");
  await addIncidents(database, 1);
  await owe(database, "am", "opened");
  await database.rows("UPDATE notifications SET state = 'sent', sent_at = now()");
  await once(database, { channels });
  const failing = "SELECT failing_since IS NOT NULL FROM channels";
  assertEquals(await database.value(failing), true);
  assert(String(await database.value("SELECT error FROM channels")).includes("503"));
});

interface Alert {
  labels: Record<string, string>;
}
