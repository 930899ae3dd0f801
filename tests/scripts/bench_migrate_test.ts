import { assert, assertEquals } from "@std/assert";
import { migrationFiles } from "../../db/schema/migrations/index.ts";
import { migrateUnderLoad } from "../../scripts/migrate/under_load.ts";
import { ownDatabase } from "../db/fixture.ts";

Deno.test("migrations of 300,000 results hold a writer up for no 2 s", async () => {
  await using database = await ownDatabase({ empty: true });
  const before = await migrationFiles();
  // The writer's own time for a lock says whether it was; how fast a machine is does not.
  const { applied, batches } = await migrateUnderLoad(database.dsn, 300_000, () => {});
  const { name: last } = before.at(-1)!;
  assertEquals(applied.slice(-2), [last, "999999_later.sql"]);
  assert(batches > 10, `${batches} batches`);
  assertEquals(
    await database.value(
      `SELECT count(*)::int FROM check_results WHERE body_truncated IS NOT false
       AND ts < date_trunc('day', now(), 'UTC')`,
    ),
    0,
  );
});
