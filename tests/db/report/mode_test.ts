import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { reportMode } from "../../../db/report/mode.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { modeHere } from "../../support/program/mode_here.ts";
import { historyDatabase, HOUR_MS, insert, rollUpAll } from "../history/fixture.ts";

const START = Date.UTC(2026, 9, 1);
const NOW = Date.UTC(2026, 10, 27);

Deno.test("httpmon report shows, freezes and verifies the last month, or the one that is named", async () => {
  await using database = await historyDatabase(START, 2);
  const results = (verdict: number) => ({ ts: START + verdict * HOUR_MS, verdict });
  await insert(database.pool, [results(0), { ...results(0), site: 2 }]);
  await rollUpAll(database, NOW);
  const clock = new FakeClock({ wall: NOW });
  const run = (...args: string[]) =>
    modeHere(reportMode, ["report", ...args], { database: { dsn: database.dsn } }, { clock });
  const prints = async (stdout: string | RegExp, ...args: string[]) => {
    const ended = await run(...args);
    assertEquals([ended.code, ended.stderr], [0, ""]);
    assertMatch(ended.stdout, new RegExp(stdout));
  };
  await prints(/^Report of 2026-10: 2 sites, .*\n[^]*https:\/\/1\.example\/ +100 %/);
  await prints(/^<!doctype html>[^]*https:\/\/2\.example\//i, "--format", "html");
  const { month, sites } = JSON.parse((await run("--format", "json", "--month", "2026-10")).stdout);
  assertEquals([month.name, sites.length, sites[0].figures.slots.up], ["2026-10", 2, 1]);

  const froze = await run("--freeze");
  assertEquals([froze.code, froze.stderr], [0, "Froze 2 new figures of 2 sites\n"]);
  const verified = "2 frozen sites, 0 differ from the record\n";
  assertEquals(await run("--verify"), { code: 0, stdout: verified, stderr: "" });

  // A late result: what was kept is shown, and that it is not all.
  await insert(database.pool, [results(2)]);
  await rollUpAll(database, NOW);
  const { code, stdout } = await run("--verify");
  assertEquals(code, 1);
  assertMatch(
    stdout,
    /^https:\/\/1\.example\/: differs from revision 1 of 2\d{3}-.*\n2 frozen sites, 1 differ from the record\n$/,
  );
  assertMatch((await run()).stdout, /late results changed this since it was frozen/);
  await assertRejects(
    () => run("--site", "nowhere"),
    UsageError,
    'There is no site "nowhere" with results in 2026-10',
  );
});

Deno.test("httpmon report that is stopped prints no half of it", async () => {
  await using database = await historyDatabase(START, 1);
  await insert(database.pool, [{ ts: START }]);
  const ended = await modeHere(reportMode, ["report"], { database: { dsn: database.dsn } }, {
    clock: new FakeClock({ wall: NOW }),
    signal: AbortSignal.abort(),
  });
  assertEquals(ended, { code: 0, stdout: "", stderr: "" });
});
