import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../../runtime/clock.ts";
import { type Seen, siteStateOf, STATES } from "../../../../web/data/now/site_state.ts";
import { CurrentSites, type Update } from "../../../../web/data/now/current_sites.ts";
import { ownDatabase } from "../../../db/fixture.ts";
import { recordingLog } from "../../../support/recording_log.ts";
import { webWorld } from "../../world.ts";

/** What the database itself says of all sites now. */
const NOW = `SELECT site_id AS id, state, extract(epoch FROM since)::float8 * 1000 AS since,
  extract(epoch FROM last_result)::float8 * 1000 AS "lastResult", agents_down AS "agentsDown", reason,
  response_code AS "responseCode" FROM httpmon_sites_now() ORDER BY id`;

function inOrder(sites: CurrentSites) {
  return [...sites.all()].sort((a, b) => a.id - b.id).map((site) => ({
    id: site.id,
    state: site.state,
    since: site.since,
    lastResult: site.lastResult,
    agentsDown: site.agentsDown,
    reason: site.reason,
    responseCode: site.responseCode,
  }));
}

Deno.test("CurrentSites has all sites as httpmon_sites_now has them, whatever their agents see", async () => {
  await using database = await ownDatabase();
  const { pool } = database;
  // A site for each of many mixtures of what four agents saw, and how long ago.
  await database.rows("SELECT httpmon_ensure_partitions(ARRAY[current_date - 1, current_date])");
  await database.rows("SELECT setseed(0.25)");
  await database.rows(
    "INSERT INTO agents (identity) SELECT gen_random_uuid() FROM generate_series(1, 4)",
  );
  await database.rows(
    `INSERT INTO sites (url) SELECT 'https://' || n || '.example/' FROM generate_series(1, 300) AS n`,
  );
  await database.rows(`INSERT INTO contexts (location, frequency, identity)
    VALUES ('a', 60, gen_random_uuid()), ('b', NULL, gen_random_uuid())`);
  await database.rows(
    `INSERT INTO reasons (reason, identity) VALUES ('status', gen_random_uuid())`,
  );
  await database.rows(
    `INSERT INTO check_results (ts, site_id, agent_id, response_time, response_code,
      context_id, reason_id, verdict, maintenance)
    SELECT ts, site, agent, 10, 200 + verdict, 1 + (random() * 1.2)::int4 % 2,
      CASE WHEN verdict > 0 THEN 1 END, verdict, CASE WHEN random() < 0.1 THEN true END
    FROM (
      SELECT date_trunc('second', now()) - (n * 50 + (random() * 40)::int4) * interval '1 second'
        - agent * interval '1 ms' - CASE WHEN old THEN interval '2 hours' ELSE '0' END AS ts, site, agent,
        (ARRAY[0, 0, 0, 1, 2, 2, 3])[1 + (random() * 6)::int4] AS verdict
      FROM (
        SELECT site, agent, random() < 0.25 OR site % 20 = 0 AS old
        FROM generate_series(1, 300) AS site, generate_series(1, 4) AS agent
        WHERE random() < 0.7 OFFSET 0
      ) AS pairs, generate_series(0, 3) AS n
    ) AS seen`,
  );
  await database.rows(`INSERT INTO rollup_marks SELECT date_trunc('hour', ts, 'UTC'),
    array_agg(DISTINCT site_id) FROM check_results GROUP BY 1`);
  const sites = new CurrentSites({ pool, clock: systemClock, log: recordingLog() });
  await sites.load();
  const states = new Set([...sites.all()].map(({ state }) => state));
  assertEquals([...states].sort(), [...STATES, "unobserved"].toSorted());
  assertEquals(inOrder(sites), await database.rows(NOW));
});

Deno.test("CurrentSites.look() takes over what came since, and tells what is other than before", async () => {
  await using world = await webWorld({}, 5);
  const { sites } = world.deps;
  const updates: Update[] = [];
  sites.subscribe((update) => updates.push(update));
  await sites.look();
  assertEquals(updates, []);
  const id = world.idOf("api");
  const see = (agent: number, verdict: number) =>
    world.database.rows(
      `INSERT INTO check_results (ts, site_id, agent_id, response_time, response_code, context_id,
         verdict)
       SELECT date_trunc('milliseconds', clock_timestamp()), site_id, agent_id, 12, 503, context_id, $3
       FROM check_results WHERE site_id = $1 AND agent_id = $2 ORDER BY ts DESC LIMIT 1`,
      [id, agent, verdict],
    );
  await see(1, 2);
  await sites.look();
  assertEquals(
    updates.map(({ changed, heard }) => [changed.length, heard.map(({ name }) => name)]),
    [
      // One of two sees it down: that is no majority, but worth telling.
      [1, ["api"]],
    ],
  );
  assertEquals([sites.get(id)!.state, sites.get(id)!.downFrom], ["up", ["eu-west"]]);
  await see(2, 2);
  await sites.look();
  assertEquals(updates.at(-1)!.changed.map(({ name, state }) => [name, state]), [["api", "down"]]);
  assertEquals(inOrder(sites), await world.database.rows(NOW));
  const revision = sites.revision;
  await sites.load();
  assertEquals(sites.revision, revision, "nothing is other than before");
});

Deno.test("CurrentSites sees the first result of an empty database", async () => {
  await using database = await ownDatabase();
  const sites = new CurrentSites({ pool: database.pool, clock: systemClock, log: recordingLog() });
  const controller = new AbortController();
  const seen = new Promise<void>((resolve) => sites.subscribe(() => resolve()));
  const following = sites.follow(controller.signal);
  await database.rows("SELECT httpmon_ensure_partitions(ARRAY[current_date])");
  await database.rows(
    `WITH s AS (INSERT INTO sites (url) VALUES ('https://one.example/') RETURNING id),
    a AS (INSERT INTO agents (identity) VALUES (gen_random_uuid()) RETURNING id)
    INSERT INTO check_results (ts, site_id, agent_id, verdict) SELECT now(), s.id, a.id, 0 FROM s, a`,
  );
  await seen;
  controller.abort();
  await following;
  assertEquals([...sites.all()].map(({ name, state }) => [name, state]), [
    ["https://one.example/", "up"],
  ]);
});

Deno.test("siteStateOf() says unobserved once the last result is too old to say anything of now", () => {
  const seen = { ts: 1_000_000, since: 500_000, state: 2, frequency: 60 } as Seen;
  const at = (now: number) => siteStateOf([seen], now);
  assertEquals([at(1_239_999).state, at(1_239_999).since], ["down", 500_000]);
  assertEquals([at(1_240_000).state, at(1_240_000).since], ["unobserved", 1_000_000]);
  assert(
    siteStateOf([{ ...seen, frequency: null }], 4_599_999).state === "down",
    "without a frequency, an hour",
  );
});
