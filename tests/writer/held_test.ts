import { assertEquals } from "@std/assert";
import pg from "pg";
import { waitFor } from "../../local/wait.ts";
import { systemClock } from "../../runtime/clock.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { testDatabase } from "../support/database.ts";
import { startWriter } from "../support/program/running_writer.ts";
import { freshTopic } from "../support/stack.ts";
import { produce, sevenFields, type TestRecord } from "../support/topic_io.ts";

/** At least. What held up others would do so as long, or for a statement's 25 s a round. */
const HELD_MS = 20_000;
const ROUNDS = 12;
const MOST_MS = 120_000;
/** How often each of those that are held is tried meanwhile, on average. */
const TRIES = 3;
/** More than the writer stores side by side. */
const HELD = [0, 1, 2, 3, 4, 5];
const OTHERS = [6, 7, 8];
const ALL = [...HELD, ...OTHERS];

/** A result of today or, in the partitions that will be held, of yesterday. */
function toPartition(partition: number, n: number): TestRecord {
  const day = 86_400_000_000n;
  const now = BigInt(systemClock.now()) * 1000n + BigInt(n);
  const ts = formatTimestamp(HELD.includes(partition) ? now - day : now);
  const url = `https://example.com/${partition}`;
  return { partition, value: JSON.stringify(sevenFields(n, { ts, url })) };
}

Deno.test("runWriter() stores other partitions while the day of six is locked for 20 s", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic({ partitions: ALL.length });
  const writer = await startWriter(topic, database.dsn);
  const storedOf = (partition: number) =>
    database.count(
      `SELECT count(*) FROM mon_daily WHERE url = 'https://example.com/${partition}'`,
    );
  await produce(topic, ALL.map((partition) => toPartition(partition, 0)));
  await database.reaches("SELECT count(*) FROM mon_daily", ALL.length);

  const [{ day }] = await database.query(
    "SELECT tableoid::regclass::text AS day FROM check_results ORDER BY ts LIMIT 1",
  );
  const holder = new pg.Client({ connectionString: database.dsn });
  await holder.connect();
  await holder.query(`BEGIN; LOCK TABLE ${day} IN ACCESS EXCLUSIVE MODE`);
  const begun = systemClock.monotonic();
  const heldMs = () => systemClock.monotonic() - begun;
  const { retries } = writer.stats;
  let sent = 1;
  const offsets = "SELECT min(next_offset) FROM consumer_offsets WHERE partition = ANY ($1)";
  while (heldMs() < HELD_MS || sent <= ROUNDS || retries.store! < TRIES * HELD.length) {
    await produce(topic, ALL.map((partition) => toPartition(partition, sent)));
    sent++;
    await waitFor(
      `${sent} results of each other partition`,
      async () => await database.count(offsets, [OTHERS]) === sent,
      MOST_MS - heldMs(),
    );
  }
  assertEquals(await database.count(offsets, [HELD]), 1);
  await holder.query("ROLLBACK");
  await holder.end();

  await database.reaches("SELECT count(*) FROM mon_daily", ALL.length * sent);
  assertEquals(await Promise.all(ALL.map(storedOf)), ALL.map(() => sent));
  const stats = await writer.stop();
  assertEquals([stats.inserted, stats.duplicates], [ALL.length * sent, 0]);
  // One trouble, one line, with what to do about it; and a reminder, where a minute has passed.
  const told = writer.complaints().filter(({ message }) => !message.endsWith("still fails"));
  assertEquals(
    told.map(({ message, fields: { advice } }) => [message, advice]),
    [[
      "Storing a batch failed, trying again until it works",
      "another session holds a lock: pg_locks and pg_blocking_pids() tell which",
    ]],
  );
});
