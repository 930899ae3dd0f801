import { assertEquals } from "@std/assert";
import { readIncidents } from "../../alerts/outbox/compose.ts";
import { createAlertSink } from "../../alerts/sink.ts";
import type { RawRecord, Source } from "../../consume/sink.ts";
import { systemClock } from "../../runtime/clock.ts";
import { encode } from "../../wire/encode.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { AGENT, type OwnDatabase, ownDatabase, result } from "../db/fixture.ts";
import { testRoles } from "../db/roles.ts";
import { RULES } from "./play.ts";

const SOURCE: Source = {
  consumer: "alerts",
  clusterId: "cluster",
  topic: "monitoring",
  partition: 0,
};
const CHANNELS = ["one", "two"];

/** A minute each from `startMs` on, as letters say; the broker has it 20 ms later. */
function records(
  letters: string,
  { first = 0, startMs = Date.now() - letters.length * 60_000, url = "https://one.example/" } = {},
): RawRecord[] {
  return [...letters].map((letter, n) => {
    const ms = startMs + n * 60_000;
    const message = result(n, {
      ts: formatTimestamp(BigInt(ms) * 1_000n),
      url,
      verdict: letter === "u" ? "up" : "down",
      location: "eu-west",
      ...letter === "d" && { responseCode: 503, reason: "status" },
    });
    const value = new TextEncoder().encode(encode(message));
    return { offset: BigInt(first + n), timestamp: BigInt(ms + 20), key: null, value };
  });
}

function sinkOf({ pool }: Pick<OwnDatabase, "pool">) {
  return createAlertSink({
    pool,
    rules: RULES,
    policyOf: () => ({ channels: null, labels: { group: "shop" }, timeoutMs: 30_000 }),
    route: () => CHANNELS,
    clock: systemClock,
  });
}

const INCIDENTS = `SELECT kind, severity, cause, locations, closed_at IS NOT NULL AS closed
  FROM incidents ORDER BY id`;
const OWED = "SELECT channel, event, state FROM notifications ORDER BY id";
const EVERYTHING = `SELECT (SELECT jsonb_agg(i ORDER BY id) FROM incidents AS i) AS incidents,
  (SELECT jsonb_agg(n ORDER BY id) FROM notifications AS n) AS notifications,
  (SELECT jsonb_agg(s ORDER BY site_id) FROM site_states AS s) AS states,
  (SELECT jsonb_agg(o) FROM consumer_offsets AS o) AS offsets`;
const FIRST = { position: 0n, first: true };
const DOWN = {
  kind: "down",
  severity: "critical",
  cause: "status 503",
  locations: ["eu-west"],
};

Deno.test("createAlertSink() opens and closes, owes both, and moves the offset", async () => {
  await using database = await ownDatabase();
  const sink = sinkOf(database);
  const all = records("uudddduu");
  assertEquals(await sink.store(SOURCE, all.slice(0, 5), FIRST), {
    kind: "stored",
    skipped: 0,
    nextOffset: 5n,
  });
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: false }]);
  assertEquals(
    await database.rows(OWED),
    CHANNELS.map((channel) => ({ channel, event: "opened", state: "pending" })),
  );
  await sink.store(SOURCE, all.slice(5), { position: 5n, first: false });
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
    acknowledgedAt: null,
    acknowledgedBy: null,
    before: null,
    link: `https://status.example/incidents/${id}`,
  });
  assertEquals(Date.parse(closedAt!) - Date.parse(openedAt), 3 * 60_000);
  assertEquals(
    evidence.map(({ agent, since, seen }) => [
      agent,
      Date.parse(openedAt) - Date.parse(since),
      seen?.reason,
      seen?.status,
    ]),
    [[AGENT, 2 * 60_000, "status", 503]],
  );
});

Deno.test("createAlertSink() changes nothing when a batch comes again", async () => {
  await using database = await ownDatabase();
  const sink = sinkOf(database);
  const startMs = Date.now() - 11 * 60_000;
  const all = records("uuddduu", { startMs });
  await sink.store(SOURCE, all, FIRST);
  const before = await database.rows(EVERYTHING);
  // It was killed behind the commit: the place is that of before.
  assertEquals(await sink.store(SOURCE, all, { position: 0n, first: false }), {
    kind: "stored",
    skipped: 7,
    nextOffset: 7n,
  });
  assertEquals(await database.rows(EVERYTHING), before);
  // Two at once: one waits for the other's lock, and finds it done.
  const more = records("dddd", { first: 7, startMs: startMs + 7 * 60_000 });
  await Promise.all([1, 2].map(() => sink.store(SOURCE, more, { position: 7n, first: false })));
  assertEquals(await database.value("SELECT next_offset::int FROM consumer_offsets"), 11);
  assertEquals(await database.value("SELECT count(*)::int FROM incidents"), 2);
});

Deno.test("createAlertSink() stores nothing of a batch that fails half-way", async () => {
  await using database = await ownDatabase();
  const all = records("uudddduu");
  await database.rows("ALTER TABLE notifications RENAME TO away");
  const failed = await sinkOf(database).store(SOURCE, all, FIRST).then(() => false, () => true);
  assertEquals(failed, true);
  await database.rows("ALTER TABLE away RENAME TO notifications");
  assertEquals(await database.value("SELECT count(*)::int FROM incidents"), 0);
  assertEquals(await database.value("SELECT count(*)::int FROM consumer_offsets"), 0);
  await sinkOf(database).store(SOURCE, all, FIRST);
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }]);
});

Deno.test("createAlertSink() gives the same incidents when the topic is read anew", async () => {
  await using database = await ownDatabase();
  const sites = ["https://one.example/", "https://two.example/"];
  const startMs = Date.now() - 20 * 60_000;
  const all = [
    ...records("uuddduudddd", { startMs }),
    ...records("uuuddduuuuu", { startMs, url: sites[1], first: 11 }),
  ];
  await sinkOf(database).store(SOURCE, all, FIRST);
  const before = await database.rows("SELECT * FROM incidents ORDER BY id");
  const owed = await database.value("SELECT count(*)::int FROM notifications");
  assertEquals(before.length, 3);
  for (const lost of ["consumer_offsets", "consumer_offsets, site_states"]) {
    await database.rows(`TRUNCATE ${lost}`);
    for (const [n, one] of all.entries()) {
      await sinkOf(database).store(SOURCE, [one], { position: BigInt(n), first: n === 0 });
    }
    assertEquals(await database.rows("SELECT * FROM incidents ORDER BY id"), before);
    assertEquals(await database.value("SELECT count(*)::int FROM notifications"), owed);
  }
  await database.rows("TRUNCATE consumer_offsets, site_states, incidents, notifications");
  await sinkOf(database).store(SOURCE, all, FIRST);
  const anew = await database.rows("SELECT * FROM incidents ORDER BY id");
  const facts = (rows: { id: string }[]) => rows.map(({ id: _, ...facts }) => facts);
  assertEquals(facts(anew), facts(before));
});

Deno.test("createAlertSink() tells nobody of what was over before it caught up", async () => {
  await using database = await ownDatabase();
  const old = Date.now() - 86_400_000;
  await sinkOf(database).store(SOURCE, records("uuddduu", { startMs: old }), FIRST);
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }]);
  assertEquals(
    await database.rows(OWED),
    CHANNELS.map((channel) => ({ channel, event: "opened", state: "withdrawn" })),
  );
  // What is open still is told, once it had the time to close.
  const url = "https://two.example/";
  const place = { position: 7n, first: false };
  await sinkOf(database).store(SOURCE, records("uuddd", { startMs: old, url, first: 7 }), place);
  assertEquals(
    await database.rows(
      `SELECT state, due_at > now() + interval '30 s' AS waits FROM notifications
       WHERE state <> 'withdrawn'`,
    ),
    CHANNELS.map(() => ({ state: "pending", waits: true })),
  );
});

Deno.test("createAlertSink() passes over what is no result", async () => {
  await using database = await ownDatabase();
  const broken = [null, new Uint8Array([0xff]), new TextEncoder().encode("{}")].map((value, n) => ({
    offset: BigInt(n),
    timestamp: BigInt(Date.now()),
    key: null,
    value,
  }));
  const outcome = await sinkOf(database).store(SOURCE, broken, FIRST);
  assertEquals(outcome, { kind: "stored", skipped: 0, nextOffset: 3n });
  // The database was put back to an older copy: read on from there.
  assertEquals(await sinkOf(database).store(SOURCE, broken, { position: 5n, first: false }), {
    kind: "moved",
    storedOffset: 3n,
  });
});

Deno.test("createAlertSink() needs the rights of the alerter's role, and no more", async () => {
  await using database = await ownDatabase();
  await using roles = await testRoles(database);
  await roles.grant("alerter");
  const pool = roles.poolOf("alerter");
  try {
    await sinkOf({ pool }).store(SOURCE, records("uuddduu"), FIRST);
    // Seen yesterday, seen again.
    await database.rows("UPDATE sites SET last_seen = last_seen - 1");
    await sinkOf({ pool }).store(SOURCE, records("u", { first: 7 }), {
      position: 7n,
      first: false,
    });
    const refused = await pool.query("SELECT FROM check_results").then(
      () => null,
      ({ code }) => code,
    );
    assertEquals(refused, "42501");
  } finally {
    await pool.end();
  }
  assertEquals(await database.rows(INCIDENTS), [{ ...DOWN, closed: true }]);
});
