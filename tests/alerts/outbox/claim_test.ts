import { assertEquals } from "@std/assert";
import { claim } from "../../../alerts/outbox/claim.ts";
import { ownDatabase } from "../../db/fixture.ts";
import { addIncidents, owe } from "./fixture.ts";

Deno.test("claim() waits longer with each storm, however many messages it went in", async () => {
  await using database = await ownDatabase({ max: 4 });
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
  assertEquals(await claimed(4), []);
  assertEquals(await claimed(6), [20, 20, 10]);
  await owe(database, "hook", "opened", sites.slice(50));
  assertEquals(await claimed(6), []);
  assertEquals(await claimed(11), [11]);
});
