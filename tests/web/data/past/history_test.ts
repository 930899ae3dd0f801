import { assertEquals } from "@std/assert";
import { systemClock } from "../../../../runtime/clock.ts";
import { maintain } from "../../../../db/history/maintain.ts";
import { History } from "../../../../web/data/past/history.ts";
import { KEEP } from "../../../db/history/fixture.ts";
import { webWorld } from "../../world.ts";

Deno.test("History has what httpmon_uptime says, before and after an hour is rolled up", async () => {
  await using world = await webWorld({}, 150);
  const { pool } = world.deps;
  const history = new History({ ...world.deps });
  const check = async () => {
    await history.refresh();
    for (const { id, name } of world.deps.sites.all()) {
      for (const days of [1, 30, 90]) {
        const expected = await world.database.value(
          "SELECT httpmon_uptime($1, $2, now() + interval '1 minute')",
          [name, new Date(history.since(days))],
        );
        assertEquals(history.uptime(id, days), expected, `${name}, ${days} days`);
      }
      const { rows: [row] } = await pool.query(
        "SELECT p50, p95, p99 FROM httpmon_percentiles_of(ARRAY[$1::int4], $2, now() + interval '1 minute')",
        [id, new Date(history.since(1))],
      );
      assertEquals(history.percentiles(id), row, name);
    }
  };
  await check();
  const signal = new AbortController().signal;
  await maintain({ pool, clock: systemClock, retention: KEEP, signal, waitMs: 0 });
  await check();
  const days = history.days(world.idOf("checkout"));
  assertEquals(days.length, 90);
  assertEquals(days.reduce((sum, { up, down }) => sum + up + down, 0), 302);
});
