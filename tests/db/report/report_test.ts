import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkClosed,
  checkKept,
  freeze,
  monthOf,
  reportOf,
  sitesOf,
} from "../../../db/report/figures.ts";
import { asHtml, asText, percent } from "../../../db/report/render.ts";
import { withClient } from "../../../db/connect/transaction.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
import type { OwnDatabase } from "../fixture.ts";
import { DAY_MS, historyDatabase, HOUR_MS, insert, rollUpAll } from "../history/fixture.ts";

const START = Date.UTC(2026, 9, 1);
const END = Date.UTC(2026, 10, 1);
const NOW = Date.UTC(2026, 10, 27);
const OCTOBER = monthOf("2026-10", NOW);

/** October with two sites, a result each 10 minutes; the second is down for two hours, and unseen for six. */
async function october(): Promise<OwnDatabase> {
  const database = await historyDatabase(START - DAY_MS, 34);
  const each = Array.from({ length: 31 * 24 * 6 }, (_, n) => START + n * 600_000);
  const down = [START + 10 * DAY_MS, START + 10 * DAY_MS + 2 * HOUR_MS] as const;
  const unseen = [START + 20 * DAY_MS, START + 20 * DAY_MS + 6 * HOUR_MS] as const;
  const within = (ts: number, [from, until]: readonly [number, number]) => ts >= from && ts < until;
  await insert(database.pool, each.map((ts) => ({ ts, site: 1 })));
  await insert(
    database.pool,
    each.filter((ts) => !within(ts, unseen)).map((ts) => ({
      ts,
      site: 2,
      verdict: within(ts, down) ? 2 : 0,
      code: within(ts, down) ? 503 : 200,
    })),
  );
  return database;
}

Deno.test("reportOf() gives the figures of a month, rolled up or not", async () => {
  await using database = await october();
  const read = () =>
    withClient(database.pool, async (client) => {
      const sites = await sitesOf(client, OCTOBER, null);
      return await Promise.all(sites.map((site) => reportOf(client, OCTOBER, site)));
    });
  const before = await read();
  assertEquals(before.map(({ site }) => site), ["https://1.example/", "https://2.example/"]);
  const [first, second] = before.map(({ figures }) => figures);
  assertEquals([first!.uptime, first!.minutesDown, first!.failures, first!.unobserved], [
    1,
    0,
    [],
    [],
  ]);
  const counted = (31 * 24 - 6) * 6;
  assertEquals(second!.slots, {
    up: counted - 12,
    degraded: 0,
    down: 12,
    unknown: 0,
    maintenance: 0,
  });
  assertEquals(second!.uptime, (counted - 12) / counted);
  assertEquals(second!.minutesDown, 120);
  assertEquals(
    second!.failures!.map((
      { minutes, responseCode, agents },
    ) => [minutes, responseCode, agents.length]),
    [[120, 503, 1]],
  );
  assertEquals(
    second!.unobserved.map(({ started, ended }) => Date.parse(ended) - Date.parse(started)),
    [6 * HOUR_MS],
  );
  await rollUpAll(database, NOW);
  assertEquals(await read(), before);
  // The SQL that a report shows gives what it says.
  const { sql, figures } = before[1]!;
  for (const statement of Object.values(sql)) await database.rows(statement);
  assertEquals(await database.value(sql.uptime!), figures.uptime);
  assertEquals(await database.value(sql.minutesDown!), figures.minutesDown);
});

Deno.test("freeze() keeps a closed month, and late results make another revision", async () => {
  await using database = await october();
  await rollUpAll(database, NOW);
  await withClient(database.pool, async (client) => {
    const [, site] = await sitesOf(client, OCTOBER, null);
    await checkClosed(client, OCTOBER, NOW);
    assertEquals((await freeze(client, OCTOBER, site!)).revision, 1);
    assertEquals((await freeze(client, OCTOBER, site!)).revision, null);
    const kept = await reportOf(client, OCTOBER, site!);
    assertEquals([kept.frozen?.revision, kept.frozen?.changedSince], [1, false]);
    assertEquals((await freeze(client, OCTOBER, site!)).report, kept);

    await insert(database.pool, [{ ts: START + 20 * DAY_MS + HOUR_MS, site: 2, verdict: 2 }]);
    const pending = await checkClosed(client, OCTOBER, NOW).catch((error) => error.message);
    assertEquals(
      pending,
      'Results of 2026-10 are not rolled up yet: run "httpmon maintain" first, or wait a minute',
    );
    await rollUpAll(database, NOW);
    const changed = await reportOf(client, OCTOBER, site!);
    // What was frozen is shown, and that it is not all.
    assertEquals([changed.frozen?.changedSince, changed.figures], [true, kept.figures]);
    assertEquals((await freeze(client, OCTOBER, site!)).revision, 2);
    const again = await reportOf(client, OCTOBER, site!);
    assertEquals([again.frozen?.revision, again.figures.slots.down], [2, 13]);
  });
});

Deno.test("a frozen month depends on no time zone, and on nothing behind it", async () => {
  await using database = await october();
  await insert(database.pool, [{ ts: END - HOUR_MS, site: 3, verdict: 2, code: 503 }]);
  await rollUpAll(database, NOW);
  await withClient(database.pool, async (client) => {
    const site = { id: 3, site: "https://3.example/", url: "https://3.example/" };
    await freeze(client, OCTOBER, site);
    await client.query("SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY'");
    assertEquals((await freeze(client, OCTOBER, site)).revision, null);
    await client.query("RESET timezone; RESET datestyle");
    // The run ends in November.
    await insert(database.pool, [{ ts: END + HOUR_MS, site: 3 }]);
    await rollUpAll(database, NOW);
    const { frozen, figures } = await reportOf(client, OCTOBER, site);
    assertEquals(frozen?.changedSince, false);
    assertEquals(figures.failures!.map(({ ended, minutes }) => [ended, minutes]), [[null, 60]]);
  });
});

Deno.test("a month whose hours are dropped is reported of days, then of itself, unless it was frozen", async () => {
  await using database = await october();
  await rollUpAll(database, NOW);
  await withClient(database.pool, async (client) => {
    const [, site] = await sitesOf(client, OCTOBER, null);
    await checkKept(client, OCTOBER);
    const { figures } = await reportOf(client, OCTOBER, site!);
    const drop = (what: string, before: string) =>
      client.query(
        `INSERT INTO retention (what, dropped_before) VALUES ('${what}', '${before}')
           ON CONFLICT (what) DO UPDATE SET dropped_before = excluded.dropped_before;
         DELETE FROM rollup_${what} WHERE bucket < '${before}Z'`,
      );
    await drop("hourly", "2026-10-20");
    const ofDays = await reportOf(client, OCTOBER, site!);
    // Six hours without a result are no day without one.
    assertEquals(ofDays.figures, { ...figures, of: "days", unobserved: [] });
    assertEquals(await database.value(ofDays.sql.minutesDown!), figures.minutesDown);
    assert(asText(OCTOBER, [ofDays], true).includes("of whole days"));
    const refused = await checkKept(client, OCTOBER).catch((error) => error);
    assertEquals(
      [refused instanceof UsageError, refused.message],
      [
        true,
        "The hours of 2026-10 are dropped (database.retention.hourly): it can be reported, but " +
        "neither frozen nor verified any more",
      ],
    );

    await drop("hourly", "2026-11-01");
    await drop("daily", "2026-11-01");
    const ofMonths = await reportOf(client, OCTOBER, site!);
    const { minutesDown, ...rest } = ofMonths.figures;
    const { minutesDown: exact, ...expected } = figures;
    assertEquals(rest, { ...expected, of: "months", unobserved: [], failures: null });
    assert(Math.abs(minutesDown - exact) < 2, `${minutesDown}`);
    assert(/ +- +/.test(asText(OCTOBER, [ofMonths], true)));
  });
});

Deno.test("a frozen month stays as it was when its hours are dropped", async () => {
  await using database = await october();
  await rollUpAll(database, NOW);
  await withClient(database.pool, async (client) => {
    const [, site] = await sitesOf(client, OCTOBER, null);
    const { report } = await freeze(client, OCTOBER, site!);
    await client.query(
      `INSERT INTO retention (what, dropped_before) VALUES ('hourly', '2026-10-20');
       DELETE FROM rollup_hourly WHERE bucket < '2026-10-20Z'`,
    );
    assertEquals(await reportOf(client, OCTOBER, site!), report);
  });
});

Deno.test("checkClosed() refuses a month that is not over", async () => {
  await using database = await historyDatabase(START, 1);
  await withClient(database.pool, async (client) => {
    const error = await checkClosed(client, monthOf("2026-11", NOW), NOW).catch((error) => error);
    assert(error instanceof UsageError);
    assertEquals(
      error.message,
      "The month 2026-11 is not over: it can be frozen from 2026-12-01T00:00:00Z on",
    );
  });
});

Deno.test("monthOf() reads a month, and refuses what is none", () => {
  assertEquals(OCTOBER, {
    name: "2026-10",
    since: "2026-10-01T00:00:00Z",
    until: "2026-11-01T00:00:00Z",
  });
  assertEquals(Date.parse(OCTOBER.until), END);
  for (const text of ["2026", "2026-13", "10-2026", ""]) {
    assertThrows(() => monthOf(text, NOW), UsageError, "needs a month such as 2026-10");
  }
  assertThrows(() => monthOf("2026-12", NOW), UsageError, 'The month "2026-12" is yet to come');
});

Deno.test("asText() and asHtml() show each site, and nothing of it is markup", async () => {
  await using database = await october();
  await database.rows("UPDATE sites SET name = '<b>shop</b>' WHERE id = 2");
  const reports = await withClient(database.pool, async (client) => {
    const sites = await sitesOf(client, OCTOBER, "<b>shop</b>");
    return await Promise.all(sites.map((site) => reportOf(client, OCTOBER, site)));
  });
  const text = asText(OCTOBER, reports, true);
  assert(/<b>shop<\/b> +99\.72 % +2 h +1 +/.test(text), text);
  assert(text.includes("2 h  status 503  (seen by 1)"), text);
  const html = asHtml(OCTOBER, reports);
  assert(!html.includes("<b>shop"));
  assert(html.includes("&lt;b&gt;shop&lt;/b&gt;"));
});

Deno.test("percent() shows as whole only what is whole", () => {
  assertEquals([1, 0.99999, 0.9996, 0.5, 0].map(percent), [
    "100 %",
    "99.9990 %",
    "99.960 %",
    "50.00 %",
    "0.00 %",
  ]);
});
