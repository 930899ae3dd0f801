import { assertAlmostEquals, assertEquals } from "@std/assert";
import { historyDatabase, insert } from "../db/history/fixture.ts";

const START = Date.UTC(2026, 2, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

Deno.test("httpmon_error_budget() says what is left of 30 days", async () => {
  await using database = await historyDatabase(START, 31);
  // 720 due times, of which an objective of 99 % lets 7.2 be missed; three are, and one before.
  await insert(
    database.pool,
    Array.from({ length: 31 * 24 }, (_, hour) => ({
      ts: START + hour * HOUR_MS,
      verdict: [20, 100, 200, 300].includes(hour) ? 2 : 0,
    })),
  );
  const left = (slo: number) =>
    database.value("SELECT httpmon_error_budget('https://1.example/', $1, $2)", [
      slo,
      new Date(START + 31 * DAY_MS),
    ]);
  assertAlmostEquals(Number(await left(99)), 1 - 3 / 7.2, 1e-9);
  assertAlmostEquals(Number(await left(99.9)), 1 - 3 / 0.72, 1e-6);
  assertEquals(
    await database.value("SELECT httpmon_error_budget('https://none.example/', 99)"),
    null,
  );
});
