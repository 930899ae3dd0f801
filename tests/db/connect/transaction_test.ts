import { assertEquals } from "@std/assert";
import { inOneTrip, withClient } from "../../../db/connect/transaction.ts";
import { ownDatabase } from "../fixture.ts";

Deno.test("inOneTrip() hands on any text as it is", async () => {
  await using database = await ownDatabase({ empty: true });
  for (const text of ["", "'", "\\", "$", "$t", "$t$", "$t$ $t0", "$t$ $t0$ $t", "; ROLLBACK"]) {
    const { rows } = await withClient(
      database.pool,
      (client) => inOneTrip(client, "BEGIN", "SELECT ", text, "::text AS text"),
    );
    assertEquals(rows, [{ text }]);
  }
});
