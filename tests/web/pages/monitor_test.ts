/** The pages of incidents, agents, the pipeline and reports. */
import { assert, assertEquals } from "@std/assert";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { monthOf } from "../../../db/report/figures.ts";
import { replay } from "../../../db/restore/replay.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { ResultStore } from "../../../db/store/store.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { acknowledge, addNote } from "../../../web/data/incidents/notes.ts";
import { encode } from "../../../wire/encode.ts";
import { ownDatabase, result } from "../../db/fixture.ts";
import { testRoles } from "../../db/roles.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { rollUpAll } from "../../db/history/fixture.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { addIncident, AGENTS, resultNow, webWorld, type World } from "../world.ts";
import { readPage, rowsIn, sqlIn } from "./read_page.ts";

/** Sends the form of a page, with its token. */
async function send(
  world: World,
  page: string,
  action: string,
  fields: Record<string, string> = {},
) {
  const before = await world.ask(page);
  const cookie = before.headers.get("set-cookie")?.split(";")[0] ?? "";
  const csrf = /name="csrf" value="([^"]+)"/.exec(await before.text())![1]!;
  return await world.ask(action, {
    method: "POST",
    headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ csrf, ...fields }).toString(),
  });
}

Deno.test("incidents: open ones first; one is acknowledged and commented, and says who was told", async () => {
  await using world = await webWorld({}, 10);
  const old = await addIncident(world, "api", { ago: 60, closedAgo: 50, cause: "status 500" });
  const id = await addIncident(world, "checkout");
  await world.database.rows(
    `INSERT INTO notifications (incident_id, channel, event, state, attempts, sent_at, error)
     VALUES ($1, 'on-call', 'opened', 'sent', 1, now(), NULL),
       ($1, 'chat', 'opened', 'failed', 9, NULL, 'status 500: <b>no</b>')`,
    [id],
  );
  const list = await readPage(world, "/incidents");
  assert(list.text.includes("1 open incident"), list.text);
  assertEquals(rowsIn(list.html)[1]!.slice(0, 2), ["down", "checkout"]);
  assert(list.html.indexOf(`/incidents/${id}`) < list.html.indexOf(`/incidents/${old}`));
  assert((await readPage(world, "/incidents?kind=slo")).text.includes("No open incident"));

  const page = `/incidents/${id}`;
  assertEquals((await send(world, page, `${page}/acknowledge`)).status, 303);
  const note = { text: "On it <script>", public: "yes" };
  assertEquals((await send(world, page, `${page}/notes`, note)).status, 303);
  const { text, html } = await readPage(world, page);
  assert(/open for [456] min.*, acknowledged: status 503/.test(text), text);
  assert(/Opened: down .* Acknowledged .* On it <script> · public/.test(text), text);
  assert(/Told on-call: opened/.test(text) && /given up 9 status 500: <b>no<\/b>/.test(text), text);
  assert(!html.includes(`${page}/acknowledge`), "it is acknowledged once");
  const [row] = await world.database.rows(
    "SELECT is_public, text FROM incident_notes ORDER BY id DESC",
  );
  assertEquals(row, { is_public: true, text: "On it <script>" });
  assertEquals((await readPage(world, "/incidents/987654")).status, 404);
});

Deno.test("incidents: the site of one is silenced for a time, and no more", async () => {
  await using world = await webWorld({}, 5);
  const id = await addIncident(world, "checkout");
  const page = `/incidents/${id}`;
  const silenced = await send(world, page, `${page}/silence`, { hours: "4", why: "a move" });
  assertEquals([silenced.status, silenced.headers.get("location")], [303, "/incidents"]);
  await world.database.rows(
    "SELECT httpmon_silence('[]', now() + interval '60 hours', 'all of it', 'cli')",
  );
  const { html } = await readPage(world, "/incidents");
  const rows = rowsIn(html.slice(html.indexOf("<h2>Silenced"))).slice(1);
  assertEquals(rows.map(([what, until, why]) => [what, until, why]), [
    // Of the four hours it is three when the page's clock has gone on since.
    ['site="checkout"', rows[0]![1] === "in 4 h" ? "in 4 h" : "in 3 h", "a move"],
    ["everything", "in 2 d", "all of it"],
  ]);
  assertEquals((await send(world, page, "/silences/1/end")).status, 303);
  assert(!(await readPage(world, "/incidents")).text.includes("a move"));
  // Its hours are a week at most.
  await send(world, page, `${page}/silence`, { hours: "9999" });
  assertEquals(
    await world.database.value(
      "SELECT round(extract(epoch FROM max(ends_at) - now()) / 3600) FROM silences",
    ),
    "168",
  );
  for (const what of ["silence", "notes"]) {
    const nowhere = await send(world, page, `/incidents/987654/${what}`, { text: "x" });
    assertEquals(nowhere.status, 404);
    assert((await nowhere.text()).includes("There is no incident 987654."));
  }
});

Deno.test("agents: who was heard, from where, of how many sites, how late, and what they say themselves", async () => {
  const metrics = `httpmon_build_info{mode="agent",runtime="deno",version="0.1.0"} 1
httpmon_ready 1
httpmon_agent_outbox_results 7
httpmon_agent_outbox_oldest_age_seconds 125.4
`;
  await using server = await answering((path) => path === "/metrics" ? metrics : null);
  await using world = await webWorld({ ops: [server.url, "http://127.0.0.1:1"] }, 5);
  await world.database.rows("UPDATE check_results SET lateness = 3 WHERE agent_id = 1");
  const { html, text } = await readPage(world, "/agents");
  assert(text.includes("2 agents report"), text);
  const rows = rowsIn(html).slice(1);
  assertEquals(rows.map((row) => [row[0], row[2], row[7]]).toSorted(), [
    ["eu-west", "5", AGENTS[0]!.agentUUID],
    ["us-east", "5", AGENTS[1]!.agentUUID],
  ]);
  assertEquals(rows.map((row) => row[5]).toSorted(), ["3.00 ms", "–"]);
  assert(/ready, agent 0\.1\.0 – – – – 7 2 min – –/.test(text), text);
  assert(/http:\/\/127\.0\.0\.1:1 does not answer/.test(text), text);
  for (const sql of sqlIn(html)) await world.database.rows(sql);
});

Deno.test("pipeline: dead letters with their bytes, replayed by a form", async () => {
  await using world = await webWorld({}, 5);
  const { rows: [{ value }] } = await world.deps.pool.query(
    "SELECT convert_to($1, 'UTF8') AS value",
    [JSON.stringify({
      ts: new Date().toISOString().replace("T", " ").replace("Z", "000"),
      agentUUID: AGENTS[0]!.agentUUID,
      url: "https://late.example/?<b>",
      regexResult: null,
      responseCode: 200,
      responseTime: 5,
      errorMessage: null,
    })],
  );
  await world.database.rows(
    `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
     VALUES ('c', 'monitoring', 0, 5, $1, 'no_partition', 'of a day'),
       ('c', 'monitoring', 0, 6, '\\xff00', 'not_json', 'no JSON')`,
    [value],
  );
  const { html, text } = await readPage(world, "/pipeline");
  assert(text.includes("2 dead letters"), text);
  assert(text.includes("https://late.example/?<b>") && text.includes("ff 00"), text);
  for (const sql of sqlIn(html)) await world.database.rows(sql);
  const still = await send(world, "/pipeline", "/pipeline/replay", { reason: "not_json" });
  const says = await still.text();
  assert(/0 dead letters are.*1 letter still not, /s.test(says), says);
  const replayed = await send(world, "/pipeline", "/pipeline/replay", { reason: "no_partition" });
  assert((await replayed.text()).includes("1 dead letter is stored now"));
  assertEquals(
    await world.database.value("SELECT count(*)::int FROM dead_letters WHERE replayed_at IS NULL"),
    1,
  );
  assertEquals(
    await world.database.value("SELECT count(*)::int FROM results WHERE url LIKE '%late%'"),
    1,
  );
});

Deno.test("pipeline: what is kept, what there is of it, and that rollups are behind", async () => {
  await using world = await webWorld({}, 5);
  await world.database.rows(
    `INSERT INTO retention (what, keep_days, dropped_before)
     VALUES ('raw', 90, '2026-01-01'), ('dead_letters', NULL, NULL)
     ON CONFLICT (what) DO UPDATE SET keep_days = excluded.keep_days;
     INSERT INTO rollup_marks (hour, site_ids) VALUES (now() - interval '2 days', '{1}');
     ANALYZE`,
  );
  const { html, text } = await readPage(world, "/pipeline");
  assert(text.includes("Rollups are behind: is a writer or httpmon maintain running?"), text);
  const part = (title: string) => rowsIn(html.slice(html.indexOf(`<h2>${title}`))).slice(1);
  const kept = part("What is kept").map(([what, days, before]) => [what, days, before]);
  for (const row of [["raw", "90", "2026-01-01"], ["dead letters", "for ever", "nothing yet"]]) {
    assert(kept.some((one) => JSON.stringify(one) === JSON.stringify(row)), JSON.stringify(kept));
  }
  const [, size, rows, partitions] = part("How much there is")
    .find(([name]) => name === "check_results") ?? [];
  assert(/^[\d.,]+ [kM]?B$/.test(size!) && rows && Number(partitions) > 0, text);
});

Deno.test("what people do needs no more than the role of an operator", async () => {
  await using database = await ownDatabase({ empty: true });
  await using roles = await testRoles(database);
  const log = recordingLog();
  await roles.grant("owner");
  await migrate(roles.dsnOf("owner"), { log });
  await roles.grant("writer", "operator");
  const operator = roles.poolOf("operator");
  try {
    await database.rows(
      `INSERT INTO incidents (kind, severity, opened_at, cause, locations, evidence)
      VALUES ('down', 'critical', now(), '', '{}', '[]')`,
    );
    await database.rows(
      `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
       VALUES ('c', 'monitoring', 0, 5, convert_to($1, 'UTF8'), 'x', ''),
         ('c', 'monitoring', 0, 6, '{}', 'x', '')`,
      [encode(result(1))],
    );
    assertEquals(await acknowledge(operator, "1", "ann"), true);
    assertEquals(await addNote(operator, "1", { author: "ann", isPublic: false, text: "x" }), true);
    const done = await replay(operator, new ResultStore(operator, { log, clock: systemClock }), {});
    assertEquals([done.stored, Object.values(done.failed)], [1, [1]]);
  } finally {
    await operator.end();
  }
});

Deno.test("check now: asks the agents that the config names, and shows what they print", async () => {
  let asked = "";
  await using server = await answering((path) => {
    asked = path;
    return "checkout is <down>\n  status 503\n\n# HELP probe_success x\nprobe_success 0\n";
  });
  await using writer = await answering(() => null);
  await using world = await webWorld({ ops: [server.url, writer.url, "http://127.0.0.1:1"] }, 5);
  await addIncident(world, "checkout");
  const page = `/sites/${world.idOf("checkout")}`;
  const text = await (await send(world, page, `${page}/check`)).text();
  assert(text.includes("checkout is &lt;down&gt;\n  status 503</pre>"), text);
  assert(text.includes("<h2>http://127.0.0.1:1</h2>"), "who is away is told");
  assert(!text.includes(writer.url), "a writer checks nothing");
  assertEquals((await send(world, page, "/sites/999/check")).status, 404);
  const query = new URLSearchParams(asked.split("?")[1]);
  assertEquals([query.get("target"), query.get("module"), query.get("debug")], [
    "https://shop.example/checkout",
    "checkout",
    "true",
  ]);
  world.deps.config.web.ops = [];
  const nobody = await send(world, "/incidents/1", `${page}/check`);
  assert((await nobody.text()).includes("No agent is there to ask"));
});

Deno.test("reports: a month's lines are httpmon_report's figures, and frozen ones are marked", async () => {
  await using world = await webWorld({}, 10);
  const month = new Date().toISOString().slice(0, 7);
  const { since, until } = monthOf(month, Date.now());
  const id = world.idOf("checkout");
  const expected = await world.database.value("SELECT httpmon_report($1, $2, $3)", [
    id,
    since,
    until,
  ]) as {
    uptime: number;
    failures: unknown[];
    responseMs: { p50: number };
  };
  const line = async () => {
    const { html } = await readPage(world, `/reports/${month}?q=checkout`);
    return rowsIn(html)[1]!;
  };
  const [site, uptime, , failures, p50, , , , state] = await line();
  assertEquals([site, uptime, failures, p50, state], [
    "checkout",
    `${(Math.floor(expected.uptime * 10_000) / 100).toFixed(2)} %`,
    String(expected.failures.length),
    `${expected.responseMs.p50.toFixed(1)} ms`,
    "not frozen",
  ]);
  await world.database.rows(
    `INSERT INTO reports (month, site_id, revision, figures)
     SELECT $2::timestamptz AT TIME ZONE 'UTC', $1, 1, httpmon_report($1, $2, $3)`,
    [id, since, until],
  );
  assertEquals((await line()).at(-1), "frozen, 1");
  const { text, html } = await readPage(world, `/reports/${month}/${id}`);
  assert(/frozen, revision 1/.test(text) && text.includes("status 503"), text);
  for (const sql of sqlIn(html)) await world.database.rows(sql);
  assert(
    (await readPage(world, "/reports")).html.includes(`/reports/${month}`) ||
      await world.database.value("SELECT NOT EXISTS (SELECT FROM rollup_hourly)"),
  );
  // Its hour comes late, so what was frozen is not all.
  await rollUpAll(world.database, Date.parse(until));
  await world.store(resultNow("checkout", { verdict: "down" }));
  await rollUpAll(world.database, Date.parse(until));
  const changed = await readPage(world, `/reports/${month}/${id}`);
  assert(changed.text.includes("revision 1; late results changed the record since"), changed.text);
  for (const path of ["/reports/2999-01", "/reports/nonsense", `/reports/${month}/999999`]) {
    assertEquals((await readPage(world, path)).status, 404);
  }
});

Deno.test("reports: months are listed as far back as there are figures, and a month has pages", async () => {
  const now = Date.UTC(2024, 10, 15);
  await using world = await webWorld({}, null);
  const { rows } = world.database;
  world.deps.clock = new FakeClock({ wall: now });
  await rows(
    `INSERT INTO sites (url) SELECT format('https://%s.example/', n) FROM generate_series(101, 170) AS n;
     INSERT INTO agents (identity) VALUES (gen_random_uuid());
     INSERT INTO retention (what, dropped_before) VALUES ('hourly', '2024-09-01')
       ON CONFLICT (what) DO UPDATE SET dropped_before = excluded.dropped_before`,
  );
  const figures = (level: string, day: string, ids: string) =>
    rows(
      `INSERT INTO rollup_${level} (bucket, site_id, agent_id, checks, up, degraded, down, unknown,
         maintenance, response_sum, responses)
       SELECT '${day}Z', id, 1, 100, 99, 0, 1, 0, 0, 0, 0 FROM sites WHERE ${ids}`,
    );
  await figures("monthly", "2024-07-01", "true");
  await figures("daily", "2024-07-10", "true");
  await figures("hourly", "2024-09-01 05:00", "id = (SELECT min(id) FROM sites)");
  const list = rowsIn((await readPage(world, "/reports")).html).slice(1)
    .filter(([month]) => /2024$/.test(month!)).slice(-3);
  assertEquals(list, [
    ["September 2024", "–", "–", "not frozen"],
    ["August 2024", "–", "–", "not frozen"],
    ["July 2024", "70", "99.00 %", "not frozen"],
  ]);
  const first = await readPage(world, "/reports/2024-07?q=example");
  assertEquals(rowsIn(first.html).length, 51);
  assert(first.text.includes("70 sites, page 1 of 2"), first.text);
  const next = /href="(\/reports\/2024-07\?[^"]*)">2</.exec(first.html)![1]!;
  const second = await readPage(world, next.replaceAll("&amp;", "&"));
  assertEquals(rowsIn(second.html).length, 21);
  assert(second.html.includes('aria-current="page">2</a>') && second.html.includes(">1</a>"));
  const id = await world.database.value("SELECT min(id) FROM sites");
  const { text } = await readPage(world, `/reports/2024-07/${id}`);
  assert(text.includes("Figures of whole days, as what they were added up from is dropped."), text);
});

/** A server that answers with a text, or 404. */
async function answering(text: (path: string) => string | null) {
  const server = createServer((request, response) => {
    const answer = text(request.url!);
    response.writeHead(answer === null ? 404 : 200).end(answer ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
