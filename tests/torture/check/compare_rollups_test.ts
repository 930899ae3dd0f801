import { assertEquals } from "@std/assert";
import {
  DAY_MS,
  historyDatabase,
  HOUR_MS,
  insert,
  rollUpAll,
  type Row,
} from "../../db/history/fixture.ts";
import { compareRollups } from "./compare_rollups.ts";

const START = Date.UTC(2026, 3, 29);
const OVER = START + 40 * DAY_MS;

/** Results of three days, of every verdict, with and without each of what is added up. */
const ROWS: Row[] = Array.from({ length: 300 }, (_, i) => ({
  ts: START + i * 13 * 60_000,
  site: 1 + i % 2,
  agent: 1 + i % 3,
  verdict: i % 7 < 4 ? i % 4 : 0,
  slots: i % 5 === 0 ? 3 : null,
  maintenance: i % 11 === 0 ? true : null,
  code: i % 13 === 0 ? null : 200,
  ms: i % 17 === 0 ? 0 : 1 + i * 1.37,
  phases: i % 3 === 0 ? [0, 1.5, 2.25, 3.5, i] : [],
}));

/** What is found once `sql` has made something wrong; "" is nothing. */
async function foundAfter(sql: string): Promise<string[]> {
  await using database = await historyDatabase(START, 4);
  await insert(database.pool, ROWS);
  await rollUpAll(database, OVER);
  await database.pool.query(sql);
  return await compareRollups(database.pool, { finished: true });
}

Deno.test("compareRollups() finds nothing in what is rolled up, or still waits to be", async () => {
  await using database = await historyDatabase(START, 4);
  await insert(database.pool, ROWS);
  await rollUpAll(database, OVER);
  assertEquals(await compareRollups(database.pool, { finished: true }), []);
  await insert(database.pool, [{ ts: START + HOUR_MS + 1 }]);
  assertEquals(await compareRollups(database.pool), []);
  assertEquals(await compareRollups(database.pool, { finished: true }), [
    "1 hours, days and months still wait",
  ]);
});

Deno.test("compareRollups() finds any row that is not as its parts, at its own level", async () => {
  const wrong: [string, string][] = [
    [
      "DELETE FROM check_results WHERE ctid = (SELECT min(ctid) FROM check_results)",
      "rollup_hourly",
    ],
    ["DELETE FROM rollup_monthly", "rollup_monthly"],
  ];
  for (
    const column of ["checks", "up", "degraded", "down", "unknown", "maintenance", "responses"]
  ) {
    wrong.push([`UPDATE rollup_daily SET ${column} = ${column} + 1`, "rollup_daily"]);
  }
  for (const column of ["response_sum", "response_min", "response_max"]) {
    wrong.push([`UPDATE rollup_monthly SET ${column} = ${column} + 1`, "rollup_monthly"]);
  }
  wrong.push([
    "UPDATE rollup_monthly SET sketch = array_append(sketch, 450 << 22 | 1)",
    "rollup_monthly",
  ]);
  for (const [sql, table] of wrong) {
    const found = await foundAfter(sql);
    assertEquals([found.length > 0, found[0]?.startsWith(`${table} at `)], [true, true], sql);
  }
});

Deno.test("compareRollups() finds a change of a verdict that is not noted, or none", async () => {
  const [missing] = await foundAfter(
    "DELETE FROM verdict_changes WHERE ctid = (SELECT min(ctid) FROM verdict_changes)",
  );
  assertEquals(/^the change to \d at .* is not noted$/.test(missing!), true, missing);
  const [other] = await foundAfter("UPDATE verdict_changes SET response_code = 418");
  assertEquals(/^the change to \d at .* is not noted$/.test(other!), true, other);
  const [none] = await foundAfter(
    "INSERT INTO verdict_changes (ts, site_id, agent_id, state) VALUES ('2026-04-29Z', 3, 1, 2)",
  );
  assertEquals(/^the change to 2 at .* is none$/.test(none!), true, none);
});
