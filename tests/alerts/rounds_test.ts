import { assertEquals } from "@std/assert";
import { readIncidents } from "../../alerts/outbox/compose.ts";
import { AGENT, type OwnDatabase, ownDatabase } from "../db/fixture.ts";
import { testRoles } from "../db/roles.ts";
import { CHANNELS, FIRST, records, SOURCE, testAlerter } from "./alerter.ts";

const INCIDENTS = `SELECT kind, severity, cause, locations, closed_at IS NOT NULL AS closed
  FROM incidents ORDER BY id`;
const OWED = "SELECT channel, event, state FROM notifications ORDER BY id";
const FACTS =
  `SELECT site_id, agent, kind, severity, opened_at, closed_at, cause, locations, evidence
  FROM incidents ORDER BY opened_at, kind, site_id`;
const DOWN = {
  kind: "down",
  severity: "critical",
  cause: "status 503",
  locations: ["eu-west"],
};
const MINUTE_MS = 60_000;

Deno.test("Rounds open and close, and owe both", async () => {
  await using database = await ownDatabase();
  const { store, decide } = testAlerter(database.pool);
  const all = records("uudddduu");
  await store(SOURCE, all.slice(0, 5), FIRST);
  await decide();
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: false }]);
  assertEquals(
    await database.rows(OWED),
    CHANNELS.map((channel) => ({ channel, event: "opened", state: "pending" })),
  );
  await store(SOURCE, all.slice(5), { position: 5n, first: false });
  await decide();
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }]);
  assertEquals(
    await database.rows(OWED),
    ["opened", "resolved"].flatMap((event) =>
      CHANNELS.map((channel) => ({ channel, event, state: "pending" }))
    ),
  );
  const [incident] = await readIncidents(
    database.pool,
    [String(await database.value("SELECT id FROM incidents"))],
    "https://status.example",
  );
  const { id, openedAt, closedAt, evidence, ...told } = incident!;
  assertEquals(told, {
    site: "https://one.example/",
    url: "https://one.example/",
    ...DOWN,
    labels: { group: "shop" },
    flapping: false,
    acknowledgedAt: null,
    acknowledgedBy: null,
    before: null,
    link: `https://status.example/incidents/${id}`,
  });
  assertEquals(Date.parse(closedAt!) - Date.parse(openedAt), 3 * MINUTE_MS);
  assertEquals(
    evidence.map(({ agent, since, seen }) => [
      agent,
      Date.parse(openedAt) - Date.parse(since),
      seen?.reason,
      seen?.status,
    ]),
    [[AGENT, 2 * MINUTE_MS, "status", 503]],
  );
  assertEquals(await database.value("SELECT level FROM site_states"), "up");
});

Deno.test("Rounds open nothing of a site while one that it depends on is down", async () => {
  await using database = await ownDatabase();
  const { store, decide } = testAlerter(database.pool, {
    policy: ({ url }) => ({ dependsOn: url.includes("two") ? ["https://one.example/"] : [] }),
  });
  const startMs = Date.now() - 40 * MINUTE_MS;
  const all = [
    ...records("uuuddddddduuuuuuuuuu", { startMs }),
    ...records("uuuuuddddddddddddddd", { startMs, url: "https://two.example/" }),
  ].sort((one, other) => Number(one.timestamp - other.timestamp))
    .map((record, n) => ({ ...record, offset: BigInt(n) }));
  const opened = `SELECT s.url, i.closed_at IS NOT NULL AS closed
    FROM incidents AS i JOIN sites AS s ON s.id = site_id WHERE kind = 'down' ORDER BY i.id`;
  await store(SOURCE, all.slice(0, 20), FIRST);
  await decide();
  const [one, two] = ["https://one.example/", "https://two.example/"];
  assertEquals(await database.rows(opened), [{ url: one, closed: false }]);
  await store(SOURCE, all.slice(20), { position: 20n, first: false });
  await decide();
  assertEquals(await database.rows(opened), [{ url: one, closed: true }, {
    ...{ url: two, closed: false },
  }]);
});

Deno.test("Rounds mark what flaps, and take the mark away", async () => {
  await using database = await ownDatabase();
  const { store, decide } = testAlerter(database.pool);
  const all = records("u".repeat(21) + "ddduu".repeat(6) + "u".repeat(30));
  await store(SOURCE, all.slice(0, 40), FIRST);
  await decide();
  const marks = "SELECT flapping, closed_at IS NOT NULL AS closed FROM incidents ORDER BY id";
  const [before] = [await database.rows(marks)];
  assertEquals(before, [false, false, true].map((flapping, n) => ({ flapping, closed: n < 2 })));
  const [incident] = await readIncidents(database.pool, ["3"], null);
  assertEquals(incident!.flapping, true);
  await store(SOURCE, all.slice(40), { position: 40n, first: false });
  await decide();
  assertEquals(
    await database.rows(marks),
    [false, false, false].map((flapping) => ({
      ...{ flapping, closed: true },
    })),
  );
});

Deno.test("Rounds go on where another alerter's have ended, and give way to it", async () => {
  await using database = await ownDatabase();
  const [one, other] = [testAlerter(database.pool), testAlerter(database.pool)];
  const all = records("uudddduuddd");
  await one.store(SOURCE, all.slice(0, 4), FIRST);
  await one.decide();
  await one.store(SOURCE, all.slice(4, 8), { position: 4n, first: false });
  // The first one holds them, however slow it is here.
  const hold = () => database.rows("UPDATE alert_rounds SET held_at = now() + interval '1 h'");
  await hold();
  await other.decide();
  assertEquals(await database.rows(INCIDENTS), []);
  await database.rows("UPDATE alert_rounds SET held_at = now() - interval '1 min'");
  await other.decide();
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }]);
  await one.store(SOURCE, all.slice(8), { position: 8n, first: false });
  await hold();
  await one.decide();
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }]);
  await other.decide();
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }, {
    ...DOWN,
    closed: false,
  }]);
});

Deno.test("Rounds decide nothing of what fails half-way, and all of it at the next try", async () => {
  await using database = await ownDatabase();
  const { store, decide, rounds, clock } = testAlerter(database.pool);
  await store(SOURCE, records("uudddduu"), FIRST);
  await database.rows("ALTER TABLE notifications RENAME TO away");
  assertEquals(await decide().then(() => false, () => true), true);
  rounds.drop();
  await database.rows("ALTER TABLE away RENAME TO notifications");
  assertEquals(await database.value("SELECT count(*)::int FROM incidents"), 0);
  await release(database);
  clock.stall(1);
  await decide();
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }]);
});

/** All that was decided and is left, then none of it. */
const LOST = [
  "consumer_offsets, alert_clocks",
  "consumer_offsets, alert_clocks, site_votes, alert_events",
];

Deno.test("Rounds give the same incidents when the topic is read anew", async () => {
  await using database = await ownDatabase();
  const startMs = Date.now() - 40 * MINUTE_MS;
  const all = [
    ...records("uuddduudddd", { startMs }),
    ...records("uuuddduuuuu               uuu", {
      startMs,
      url: "https://two.example/",
      first: 11,
    }),
  ].sort((one, other) => Number(one.timestamp - other.timestamp))
    .map((record, n) => ({ ...record, offset: BigInt(n) }));
  const first = testAlerter(database.pool);
  await first.store(SOURCE, all, FIRST);
  await first.decide();
  const before = await database.rows(FACTS);
  const owed = await database.value("SELECT count(*)::int FROM notifications");
  assertEquals(before.map(({ kind }) => kind), ["down", "down", "down", "agent_silent"]);
  for (const lost of LOST) {
    await database.rows(`TRUNCATE ${lost}`);
    if (lost === LOST[0]) await release(database);
    else await forget(database);
    const { store, decide } = testAlerter(database.pool);
    for (const [n, one] of all.entries()) {
      await store(SOURCE, [one], { position: BigInt(n), first: n === 0 });
      await decide(0);
    }
    await decide();
    assertEquals(await database.rows(FACTS), before);
    assertEquals(await database.value("SELECT count(*)::int FROM notifications"), owed);
  }
  await database.rows(`TRUNCATE ${LOST[1]}, incidents, notifications`);
  await forget(database);
  const anew = testAlerter(database.pool);
  await anew.store(SOURCE, all, FIRST);
  await anew.decide();
  assertEquals(await database.rows(FACTS), before);
});

async function forget(database: OwnDatabase): Promise<void> {
  await release(database);
  await database.rows("TRUNCATE site_states, agent_states");
  await database.rows("UPDATE alert_rounds SET now = 0, reached = 0");
}

/** Whoever held the rounds is dead for long. */
async function release(database: OwnDatabase): Promise<void> {
  await database.rows("UPDATE alert_rounds SET held_at = '-infinity'");
}

Deno.test("Rounds wait for the partition that is read last", async () => {
  await using database = await ownDatabase();
  const { store, decide, behind } = testAlerter(database.pool, { partitions: 2 });
  const startMs = Date.now() - 30 * MINUTE_MS;
  const other = { ...SOURCE, partition: 1 };
  const gone = records("uuuu", { startMs });
  const spoke = records("uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu", { startMs, url: "https://two.example/" });
  await store(SOURCE, gone, FIRST);
  await store(other, spoke.slice(0, 2), FIRST);
  // More is to come: nobody knows yet whether the agent was silent.
  behind.add(1);
  await decide(60 * MINUTE_MS);
  assertEquals(await database.rows(INCIDENTS), []);
  behind.clear();
  await store(other, spoke.slice(2), { position: 2n, first: false });
  await decide(0);
  assertEquals((await database.rows(INCIDENTS)).map(({ kind }) => kind), [
    "unobserved",
    "agent_silent",
  ]);
});

Deno.test("Rounds say nothing of silence while Kafka is away, nor right after it", async () => {
  await using database = await ownDatabase();
  const { store, decide, setReach } = testAlerter(database.pool);
  await store(SOURCE, records("uuuu"), FIRST);
  await decide();
  setReach(false);
  await decide(30 * MINUTE_MS);
  setReach(true);
  await decide(2_000);
  assertEquals(await database.rows(INCIDENTS), []);
  await decide(10 * MINUTE_MS);
  assertEquals((await database.rows(INCIDENTS)).map(({ kind }) => kind), ["agent_silent"]);
});

Deno.test("Rounds tell nobody of what was over before they caught up", async () => {
  await using database = await ownDatabase();
  const { store, decide } = testAlerter(database.pool);
  const old = Date.now() - 86_400_000;
  await store(SOURCE, records("uuddduu", { startMs: old }), FIRST);
  await decide();
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }]);
  assertEquals(
    await database.rows(OWED),
    CHANNELS.map((channel) => ({ channel, event: "opened", state: "withdrawn" })),
  );
  // What is open still is told, once it had the time to close.
  const url = "https://two.example/";
  const place = { position: 7n, first: false };
  await store(SOURCE, records("uuddd", { startMs: old + 10 * MINUTE_MS, url, first: 7 }), place);
  await decide();
  assertEquals(
    await database.rows(
      `SELECT n.state, due_at > n.created_at + interval '30 s' AS waits
       FROM notifications AS n JOIN incidents AS i ON i.id = incident_id
       WHERE n.state <> 'withdrawn' AND kind = 'down'`,
    ),
    CHANNELS.map(() => ({ state: "pending", waits: true })),
  );
});

Deno.test("Rounds go by the database's clock, whatever an alerter's says", async () => {
  for (const ahead of [60, -60]) {
    await using database = await ownDatabase();
    const { store, decide, clock } = testAlerter(database.pool);
    clock.setWallBy(ahead * MINUTE_MS);
    await store(SOURCE, records("uuddduu"), FIRST);
    await decide();
    assertEquals(
      await database.rows(
        "SELECT event, state, due_at > now() AS waits FROM notifications WHERE channel = 'one'",
      ),
      ["opened", "resolved"].map((event) => ({ event, state: "pending", waits: false })),
    );
  }
});

Deno.test("Rounds need the rights of the alerter's role, and no more", async () => {
  await using database = await ownDatabase();
  await using roles = await testRoles(database);
  await roles.grant("alerter");
  const pool = roles.poolOf("alerter");
  try {
    const { store, decide } = testAlerter(pool);
    await store(SOURCE, records("uuddduu"), FIRST);
    await decide();
    // Seen yesterday, seen again.
    await database.rows("UPDATE sites SET last_seen = last_seen - 1");
    await store(SOURCE, records("u", { first: 7 }), { position: 7n, first: false });
    await decide(10 * 86_400_000);
    const refused = await pool.query("SELECT FROM check_results").then(
      () => null,
      ({ code }) => code,
    );
    assertEquals(refused, "42501");
  } finally {
    await pool.end();
  }
  assertEquals((await database.rows(INCIDENTS))[0], { ...DOWN, closed: true });
});
