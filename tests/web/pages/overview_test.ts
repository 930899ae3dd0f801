import { assert, assertEquals } from "@std/assert";
import type { State } from "../../../web/data/now/site_state.ts";
import { headline } from "../../../web/pages/parts/wrong.tsx";
import { addIncident, DOWN, MARKUP, resultNow, webWorld } from "../world.ts";
import { readPage, rowsIn, textOf } from "./read_page.ts";

Deno.test("the overview says first what is wrong: since when, why, who noticed", async () => {
  await using world = await webWorld();
  const { html } = await readPage(world, "/");
  assertEquals(textOf(/<h1>(.*?)<\/h1>/.exec(html)![1]!), "3 sites are down");
  const wrong = rowsIn(html, ' class="rows wrong"');
  assertEquals(wrong.map(([, name]) => name), [MARKUP, "checkout", "admin"]);
  const [, , since, why, who] = wrong[1]!;
  assert(/^down 4 min/.test(since!), since);
  assertEquals([why, who], ["status 503", "seen by 2 of 2: eu-west, us-east"]);
  assertEquals(wrong[2]![3], "secret reason");
});

Deno.test("the overview shows sites by group, and what is chosen is in its address", async () => {
  await using world = await webWorld();
  const names = async (query: string) => {
    const { html } = await readPage(world, `/${query}`);
    return rowsIn(html, ' class="sites"').filter((row) => row.length > 1).slice(1)
      .map(([, name]) => name!.split(" ")[0]);
  };
  const { html, text } = await readPage(world, "/");
  const groups = rowsIn(html, ' class="sites"').filter((row) => row.length === 1).flat();
  assertEquals(groups, [`${MARKUP} 1`, "api 1", "internal 1", "shop 2"]);
  assert(text.includes(" 5 sites Sites, with"), text);
  assertEquals(await names("?state=up"), ["api", "front"]);
  assertEquals(await names("?label=group%3A+shop"), ["checkout", "front"]);
  assertEquals(await names("?q=SHOP.example"), ["checkout", "front"]);
  assertEquals(await names("?location=us-east&state=up"), ["api", "front"]);
  assertEquals(await names("?location=nowhere"), []);
  assertEquals((await names("?sort=name")).slice(1), ["admin", "api", "checkout", "front"]);
  assertEquals((await names("?sort=24h")).slice(0, 2), ["admin", "checkout"]);
  const sorted = await readPage(world, "/?q=shop&sort=p95");
  assert(sorted.html.includes('href="/?q=shop&amp;sort=name"'), "a header keeps the filter");
  assert(/<th[^>]*aria-sort="descending"[^>]*><a[^>]*>p95/.test(sorted.html), "the order is told");
});

Deno.test("the overview answers what else one comes to ask: the monitor, last month, certificates", async () => {
  await using world = await webWorld({}, 5);
  const { database, deps } = world;
  const first = (months: number) => {
    const now = new Date();
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months));
  };
  const [day, name] = [first(-1), first(-1).toISOString().slice(0, 7)];
  await database.rows(
    `INSERT INTO rollup_daily (bucket, site_id, agent_id, checks, up, degraded, down, unknown,
       maintenance, response_sum, responses, sketch)
     VALUES ($1, $2, 1, 1000000, 990550, 5000, 4450, 0, 0, 0, 0, '{}')`,
    [day, world.idOf("api")],
  );
  // Ten minutes, by which what comes late is read.
  for (let ms = 0; ms < 600_000; ms += 30_000) await deps.history.refresh();
  const { html, text } = await readPage(world, "/");
  assert(/Monitor : last result \d+ (?:s|min) ago from 2 agents /.test(text), text);
  // Of so many that a few results on a month's first day change nothing.
  assert(text.includes("99.55 % up"), text);
  assert(html.includes(`href="/reports/${name}"`), name);
  assert(/Next certificate ends in 4 d , of <script>/.test(text), text);
  const sorted = rowsIn((await readPage(world, "/?sort=certificate")).html, ' class="sites"');
  assertEquals(sorted[1]!.at(-2), "4 d");
});

Deno.test("a strip tells each of its days, or of its checks, in words and in data", async () => {
  await using world = await webWorld();
  const row = (html: string) =>
    html.split("data-site=").slice(1).find((part) => part.includes(">checkout<"))!;
  const days = row((await readPage(world, "/")).html);
  // One day, or two at midnight.
  const seen: { down: number; up: number }[] = await world.database.rows(
    `SELECT count(*) FILTER (WHERE verdict = 0)::int AS up,
       count(*) FILTER (WHERE verdict = 2)::int AS down
     FROM check_results WHERE site_id = $1
     GROUP BY date_trunc('day', ts, 'UTC') ORDER BY date_trunc('day', ts, 'UTC')`,
    [world.idOf("checkout")],
  );
  const well = seen.filter(({ down }) => down === 0).length;
  assertEquals(
    /aria-label="The last 90 days: ([^"]*)"/.exec(days)?.[1],
    `${well > 0 ? `${well} up, ` : ""}${seen.length - well} with downtime`,
  );
  const cells = seen.map(({ up, down }) =>
    down === 0 ? "u" : `d${(Math.floor(up / (up + down) * 10_000) / 100).toFixed(2)}`
  );
  assertEquals(
    /data-cells="([^"]*)"/.exec(days)?.[1],
    [`${90 - seen.length}-`, ...cells].join(" "),
  );
  const checks = row((await readPage(world, "/?strip=checks")).html);
  assert(/aria-label="The last 60 checks: 50 up, 10 down"/.test(checks), checks.slice(0, 3000));
});

/** What all sites are said to be, by how many are what. */
const HEADLINES: [counts: Partial<Record<State, number>>, says: string][] = [
  [{}, "No result in the last 26 hours"],
  [{ up: 1 }, "The site is up"],
  [{ up: 1_204 }, "All 1,204 sites are up"],
  [{ up: 2, maintenance: 1 }, "All sites are up, 1 in maintenance"],
  [{ up: 2, unobserved: 1, unknown: 1 }, "2 sites are not observed, none is down"],
  [{ unobserved: 2, unknown: 1 }, "Nothing is observed now"],
  [{ up: 2, degraded: 1, unknown: 1 }, "1 site is degraded"],
  [{ degraded: 1, down: 2 }, "2 sites are down"],
];
for (const [counts, says] of HEADLINES) {
  Deno.test(`headline() says "${says}"`, () => {
    const none = { up: 0, degraded: 0, down: 0, unknown: 0, unobserved: 0, maintenance: 0 };
    assertEquals(headline({ ...none, ...counts }), says);
  });
}

Deno.test("the overview without a result says what to start, and of many sites shows a part", async () => {
  await using world = await webWorld({}, null);
  const empty = await readPage(world, "/");
  assert(empty.text.includes("No result in the last 26 hours"), empty.text);
  assert(/Is an agent running\? httpmon agent .* And a writer\? httpmon writer/.test(empty.text));
  const many = Array.from({ length: 930 }, (_, n) => ({
    site: `site ${String(n).padStart(3, "0")}`,
    url: `https://${n}.example/`,
    ...n < 25 && DOWN,
  }));
  await world.store(many.flatMap((one) => resultNow("api", one).slice(0, 1)));
  await world.deps.sites.load();
  const page = await readPage(world, "/?page=5");
  assertEquals(rowsIn(page.html, ' class="sites"').filter((row) => row.length > 1).length, 101);
  const pagesOf = (html: string) => /aria-label="Pages of the table">(.*?)<\/nav>/.exec(html)![1]!;
  assertEquals(textOf(pagesOf(page.html)), "1 … 3 4 5 6 7 … 10");
  assert(/ aria-current="\w+">5</.test(pagesOf(page.html)), pagesOf(page.html));
  assert(page.text.includes(" and 5 more "), page.text);
  const last = await readPage(world, "/?page=99");
  assert(
    / aria-current="\w+">10</.test(pagesOf(last.html)),
    "a page that is not there is the last",
  );
});

Deno.test("the overview says who is at what is down", async () => {
  await using world = await webWorld();
  const id = await addIncident(world, "checkout");
  await world.deps.sites.look();
  const cell = async () =>
    rowsIn((await readPage(world, "/")).html, ' class="rows wrong"')[1]!.at(-1);
  assertEquals(await cell(), "acknowledge");
  for (
    const [by, says] of [[null, "acknowledged"], ["ann", "acknowledged by ann"]]
  ) {
    await world.database.rows(
      "UPDATE incidents SET acknowledged_at = now(), acknowledged_by = $2 WHERE id = $1",
      [id, by],
    );
    await world.deps.sites.load();
    assertEquals(await cell(), says);
  }
  await world.database.rows("UPDATE incidents SET closed_at = now()");
  await world.deps.sites.look();
  assertEquals(await cell(), "");
});

Deno.test("the overview asks the database as often for many sites as for few", async () => {
  await using world = await webWorld();
  const asked = async (path: string) => {
    let queries = 0;
    const { pool } = world.deps;
    const { query } = pool;
    pool.query = function (this: unknown, ...args: unknown[]) {
      queries++;
      return (query as (...args: unknown[]) => unknown).apply(pool, args);
    } as typeof pool.query;
    await readPage(world, path);
    pool.query = query;
    return queries;
  };
  assertEquals(await asked("/"), 0);
  assertEquals(await asked("/?strip=checks"), 1);
});
