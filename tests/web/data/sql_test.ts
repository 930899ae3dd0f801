import { assertEquals } from "@std/assert";
import { literal, rowsOf } from "../../../web/data/sql.ts";
import { ownDatabase } from "../../db/fixture.ts";

Deno.test("rowsOf() gives names as JavaScript has them, and times in milliseconds", async () => {
  await using database = await ownDatabase({ empty: true });
  const rows = await rowsOf(
    database.pool,
    `SELECT $1::timestamptz AS opened_at, NULL::timestamptz AS closed_at, 1::int8 AS id,
       '{"a_b": 1}'::jsonb AS first_byte_ms`,
    [new Date(1_234)],
  );
  assertEquals(rows, [{ openedAt: 1_234, closedAt: null, id: "1", firstByteMs: { a_b: 1 } }]);
  const at = await rowsOf(database.pool, `SELECT ${literal(5_000)}::timestamptz AS at`);
  assertEquals(at, [{ at: 5_000 }]);
});
