import { assertEquals } from "@std/assert";
import { claim } from "../../../alerts/outbox/claim.ts";
import { type OwnDatabase, ownDatabase } from "../../db/fixture.ts";
import { addIncidents, owe } from "./fixture.ts";

/** For the one session, all that is asked is asked at one time. */
async function stopClock({ rows }: OwnDatabase): Promise<void> {
  await rows(
    `CREATE SCHEMA stopped;
     CREATE FUNCTION stopped.now() RETURNS timestamptz IMMUTABLE
       RETURN timestamptz '2026-05-01 12:00:00+00';
     SET search_path = stopped, pg_catalog, public`,
  );
}

Deno.test("claim() waits longer with each storm, however many messages it went in", async () => {
  await using database = await ownDatabase({ max: 1 });
  await stopClock(database);
  await database.rows("INSERT INTO channels (name) VALUES ('hook')");
  const claimed = async (ageS: number) => {
    await database.rows(
      "UPDATE notifications SET due_at = now() - $1 * interval '1 s' WHERE attempts = 0",
      [ageS],
    );
    const options = { groupWaitMs: 30_000, sitesAt: () => 1, most: 20 };
    const leased = await claim(database.pool, "hook", options);
    return leased.map(({ ids }) => ids.length);
  };
  const sites = Array.from({ length: 61 }, (_, n) => `site ${n + 1}`);
  await addIncidents(database, sites.length);
  await owe(database, "hook", "opened", sites.slice(0, 50));
  assertEquals(await claimed(4.999), []);
  assertEquals(await claimed(5), [20, 20, 10]);
  await owe(database, "hook", "opened", sites.slice(50));
  assertEquals(await claimed(9.999), []);
  assertEquals(await claimed(10), [11]);
});
