/** What is told to nobody, or later: silences, acknowledging, reminders. */
import { assertEquals } from "@std/assert";
import { waitFor } from "../../../local/wait.ts";
import { type OwnDatabase, ownDatabase } from "../../db/fixture.ts";
import { startReceiver } from "../receiver.ts";
import { addIncidents, allSent, owe, WAIT_MS, withSenders } from "./fixture.ts";

function silence({ value }: OwnDatabase, matchers: unknown[]): Promise<unknown> {
  return value("SELECT httpmon_silence($1, now() + interval '1 h', 'planned')", [
    JSON.stringify(matchers),
  ]);
}

const ONE = { name: "site", value: "site 1", isRegex: false, isEqual: true };

Deno.test("a silence holds back what opens, and ending it tells that at once", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await addIncidents(database, 2);
  const id = await silence(database, [ONE]);
  await owe(database, "hook", "opened");
  await withSenders(database, { hook: receiver.channel }, async () => {
    const held = "SELECT count(*)::int FROM notifications WHERE silence_id = $1";
    await waitFor("one is held", async () => await database.value(held, [id]) === 1, WAIT_MS);
    await waitFor("the other is sent", () => receiver.told().length === 1, WAIT_MS);
    assertEquals(receiver.told(), ["site 2 opened"]);
    assertEquals(await database.value("SELECT httpmon_end_silence($1)", [id]), true);
    assertEquals(await database.value("SELECT httpmon_end_silence($1)", [id]), false);
    await allSent(database);
  });
  assertEquals(receiver.told(), ["site 2 opened", "site 1 opened"]);
});

Deno.test("a silence does not hold back the end of what was told, nor what another one lets go", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await addIncidents(database, 1);
  await owe(database, "hook", "opened");
  await withSenders(database, { hook: receiver.channel }, async () => {
    await allSent(database);
    await silence(database, []);
    await owe(database, "hook", "reminder");
    await owe(database, "hook", "resolved");
    await allSent(database);
  });
  assertEquals(receiver.told(), ["site 1 opened", "site 1 resolved"]);
});

Deno.test("httpmon_acknowledge() tells those who were told, once", async () => {
  await using database = await ownDatabase({ max: 8 });
  await using receiver = await startReceiver(() => "take");
  await addIncidents(database, 2);
  await owe(database, "hook", "opened", ["site 1"]);
  const id = await database.value("SELECT min(incident_id) FROM notifications");
  await withSenders(database, { hook: receiver.channel }, async () => {
    const acknowledge = () => database.value("SELECT httpmon_acknowledge($1, 'on-call')", [id]);
    assertEquals([await acknowledge(), await acknowledge()], [true, false]);
    await allSent(database);
  });
  assertEquals(receiver.told(), ["site 1 opened", "site 1 acknowledged"]);
  const { incident } = receiver.taken.at(-1)!.notice;
  assertEquals(incident.acknowledgedBy, "on-call");
  await database.rows("UPDATE incidents SET closed_at = now()");
  const all = await database.rows("SELECT httpmon_acknowledge(id) AS is FROM incidents");
  assertEquals(all, [{ is: false }, { is: false }]);
});
