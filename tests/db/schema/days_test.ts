/** What is asked of 400 days touches the days that it is about, and no other. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { parquetReadObjects } from "hyparquet";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePartitions, partitionDays } from "../../../db/schema/partitions.ts";
import { formatTimestamp } from "../../../wire/timestamp.ts";
import { recordingLog } from "../../support/recording_log.ts";
import {
  AGENT,
  type OwnDatabase,
  ownDatabase,
  OwnStore,
  records,
  result,
  SOURCE,
} from "../fixture.ts";
import { httpmon } from "../run_mode.ts";

const DAYS = 400;
/** Of them, by a retention. */
const KEPT = 370;
const DAY_MS = 86_400_000;
/** Of the results and of their evidence, as they are read and written. */
const LOCKS = `SELECT count(*)::int AS locks,
    count(DISTINCT relation) FILTER (WHERE relation IN (
      SELECT inhrelid FROM pg_inherits
      WHERE inhparent IN ('check_results'::regclass, 'evidence'::regclass)
    ))::int AS days
  FROM pg_locks WHERE pid = pg_backend_pid()`;

/** 400 days to today, each with 20 results of 5 sites by 2 agents; "old" was last seen 399 days ago. */
async function filled(today: number): Promise<OwnDatabase> {
  const database = await ownDatabase({ max: 1 });
  const days = partitionDays(today, 1 - DAYS, 0);
  const ago = (days: number | string) =>
    `timestamptz '${new Date(today).toISOString()}' - ${days} * interval '24 hours'`;
  while (days.length > 0) await ensurePartitions(database.pool, days.splice(0, 20));
  await database.rows(
    `INSERT INTO sites (url) SELECT 'https://' || n || '.example/' FROM generate_series(1, 5) AS n;
     INSERT INTO sites (url, name) VALUES ('https://old.example/', 'old');
     INSERT INTO agents (identity) VALUES ('${AGENT}'), (gen_random_uuid());
     INSERT INTO check_results (ts, site_id, agent_id, response_time, response_code, verdict)
     SELECT ${ago("day")} + n * interval '1 ms', n % 5 + 1, n % 2 + 1, n, 200, 0
     FROM generate_series(0, ${DAYS - 1}) AS day, generate_series(1, 20) AS n;
     INSERT INTO check_results (ts, site_id, agent_id, response_time, response_code, verdict)
     SELECT ${ago(DAYS - 1)}, 6, 1, 7, 200, 0`,
  );
  await database.rows("ANALYZE check_results");
  return database;
}

type Statement = string | { text: string; values: unknown[] };

/** Runs statements in a transaction, and says what it has locked at its end. */
async function locksOf({ pool }: OwnDatabase, ...statements: Statement[]) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    let last: Record<string, unknown>[] = [];
    for (const statement of statements) last = (await client.query(statement)).rows;
    const { rows: [{ locks, days }] } = await client.query(LOCKS);
    return { last, locks, days };
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
}

Deno.test("with 400 days", async (t) => {
  const today = Date.parse(new Date().toISOString().slice(0, 10));
  await using database = await filled(today);

  await t.step("storeBatch() locks the days of its duplicates alone", async () => {
    const store = new OwnStore(database.pool, { log: recordingLog() });
    await store.readOffset(SOURCE);
    const messages = [100, 300].flatMap((day) =>
      Array.from({ length: 10 }, (_, n) =>
        result(0, {
          ts: formatTimestamp(BigInt(today - day * DAY_MS + n) * 1000n),
          url: "https://new.example/",
        }))
    );
    await store.storeBatch(SOURCE, records(0, messages), 0n);
    // The same call again, as the store makes it, in a transaction that is looked into.
    let call: Statement = "";
    const connect = database.pool.connect.bind(database.pool);
    const listening = {
      async connect() {
        const client = await connect();
        const query = (
          asked: { statements?: { text: string; values: unknown[] }[] },
          values?: unknown[],
        ) => {
          call = asked.statements?.find(({ text }) => text.includes("httpmon_store(")) ?? call;
          return client.query(asked as never, values);
        };
        return { query, release: client.release.bind(client) };
      },
    } as unknown as typeof database.pool;
    const other = new OwnStore(listening, { log: recordingLog() });
    const again = [
      ...messages,
      result(0, { ...messages[0]!, ts: formatTimestamp(BigInt(today) * 1000n) }),
    ];
    const outcome = await other.storeBatch(SOURCE, records(20, again), 20n);
    assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.duplicates], [1, 20]);
    const rewind = "UPDATE consumer_offsets SET next_offset = 20";
    const { last, locks, days } = await locksOf(database, rewind, call);
    assertEquals(last[0]!.answer, { kind: "stored", inserted: 0 });
    assertEquals(days, 3);
    assert(locks < 40, `${locks} locks`);
  });

  await t.step(
    "httpmon_results() gives the last results, and reads the newest days alone",
    async () => {
      const call = (site: string, n: number, since = "-infinity") =>
        `SELECT * FROM httpmon_results('${site}', '${since}', now(), ${n})`;
      // Four a day of each site, by one agent or the other.
      const { last, days } = await locksOf(database, call("https://1.example/", 10));
      assertEquals(days, 3);
      const all = await database.rows(
        "SELECT * FROM results WHERE site = 'https://1.example/' ORDER BY ts DESC LIMIT 10",
      );
      assertEquals(last, all);
      assertEquals((await locksOf(database, call("https://1.example/", 2))).days, 1);
      assertEquals((await locksOf(database, call("nobody", 2))).days, 0);
      // By its name; where there is little, all days may be looked at.
      assertEquals((await database.rows(call("old", 3))).map(({ response_ms }) => response_ms), [
        7,
      ]);
      assertEquals(await database.rows(call("https://old.example/", 3)), []);
      const since = new Date(today - DAY_MS).toISOString();
      const bounded = await locksOf(database, call("old", 3, since));
      assertEquals([bounded.last, bounded.days < 12], [[], true]);
      assertEquals(await database.rows(call("https://1.example/", 0)), []);
    },
  );

  await t.step("httpmon_results() reads few pages", async () => {
    const sql = "SELECT * FROM httpmon_results('https://1.example/', '-infinity', now(), 10)";
    await database.rows(sql);
    const [{ "QUERY PLAN": [plan] }] = await database.rows(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`,
    );
    const pages = plan.Plan["Shared Hit Blocks"] + plan.Plan["Shared Read Blocks"];
    // Most of them tell which days there are.
    assert(pages < 5000, `${pages} pages`);
  });

  for (const relation of ["results", "check_results", "evidence"]) {
    await t.step(`a range of time over ${relation} touches the days in it`, async () => {
      const [from, to] = [today - 11 * DAY_MS, today - 9 * DAY_MS - 1];
      const range = `ts >= '${new Date(from).toISOString()}' AND ts < '${
        new Date(to).toISOString()
      }'`;
      const lines = await database.rows(`EXPLAIN SELECT * FROM ${relation} WHERE ${range}`);
      const plan = lines.map((line) => line["QUERY PLAN"]).join("\n");
      assertEquals(new Set(plan.match(/_p\d{8}/g)).size, 2, plan);
      const sql = `SELECT count(*) FROM ${relation} WHERE ${range}`;
      assertEquals((await locksOf(database, sql)).days, 2);
    });
  }

  await t.step(
    "they go with a retention, and what they came to stays: report, Parquet",
    async () => {
      await database.rows("SELECT httpmon_recompute(min(ts), max(ts)) FROM check_results");
      const config = JSON.stringify({ database: { retention: { raw: KEPT } } });
      const asked = async (args: string[], to?: string) => {
        const { code, stdout, stderr } = await httpmon(database.dsn, args, { config, to });
        assertEquals(code, 0, stderr);
        return stdout;
      };
      const site = ["--site", "https://1.example/"];
      await asked(["maintain"]);
      const [kept] = await database.rows(
        `SELECT count(*)::int, min(ts) >= current_date - ${
          KEPT + 1
        } AS late FROM check_results WHERE site_id = 1`,
      );
      assert(kept.late && kept.count < (KEPT + 2) * 4, JSON.stringify(kept));

      // The results of last month have 5, 10, 15 and 20 ms each day.
      const report = JSON.parse(await asked(["report", ...site, "--format", "json"]));
      const { uptime, checks, responseMs } = report.sites[0].figures;
      const days = new Date(
        Date.UTC(...report.month.name.split("-").map(Number) as [number, number], 0),
      );
      assertEquals([uptime, checks], [1, days.getUTCDate() * 4]);
      assertAlmostEquals(responseMs.p50 / 10, 1, 0.02001);

      const path = join(tmpdir(), `httpmon-days-${crypto.randomUUID()}.parquet`);
      try {
        const read = async (...from: string[]) => {
          await asked(["dbdump", ...from, ...site, "--format", "parquet"], path);
          const file = (await Deno.readFile(path)).buffer;
          return await parquetReadObjects({ file });
        };
        assertEquals((await read()).length, kept.count);
        const daily = await read("--from", "daily");
        assertEquals(daily.length, (DAYS - 1) * 2);
        assertEquals(daily.reduce((sum, { checks }) => sum + checks, 0), (DAYS - 1) * 4);
      } finally {
        await rm(path, { force: true });
      }
    },
  );
});
