import { assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { inOneTrip } from "../../../db/connect/one_trip.ts";
import { beginWithin, withClient } from "../../../db/connect/transaction.ts";
import { ownDatabase } from "../fixture.ts";

Deno.test("inOneTrip() hands on texts, bytes and nulls as they are, and commits", async () => {
  await using database = await ownDatabase({ empty: true });
  await database.rows("CREATE TABLE kept (a text, b int4, c text)");
  const rows = await withClient(database.pool, (client) =>
    inOneTrip(
      client,
      beginWithin({ lockTimeoutMs: 1_234 }),
      "INSERT INTO kept VALUES ($1, $2, $3) RETURNING *, current_setting('lock_timeout')",
      ["'; ROLLBACK", Buffer.from([0, 0, 1, 1]), null],
    ));
  assertEquals(rows, [["'; ROLLBACK", "257", null, "1234ms"]]);
  assertEquals(await database.rows("SELECT * FROM kept"), [{ a: "'; ROLLBACK", b: 257, c: null }]);
});

Deno.test("inOneTrip() undoes what fails, at COMMIT as well, and leaves its connection usable", async () => {
  await using database = await ownDatabase({ empty: true });
  await database.rows(
    "CREATE TABLE kept (a int4 UNIQUE DEFERRABLE INITIALLY DEFERRED, CHECK (a < 10))",
  );
  await withClient(database.pool, async (client) => {
    for (const values of ["(1), (10)", "(1), (1)"]) {
      const text = `INSERT INTO kept VALUES ${values}`;
      await assertRejects(() => inOneTrip(client, "BEGIN", text, []), Error, "constraint");
    }
    assertEquals(await inOneTrip(client, "BEGIN", "SELECT count(*) FROM kept", []), [["0"]]);
  });
});
