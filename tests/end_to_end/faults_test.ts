/** The faults that every run of the tests goes through, with real processes. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import pg from "pg";
import { migrate } from "../../db/schema/migrate.ts";
import { startKafka } from "../../local/kafka/kafka.ts";
import { startStack } from "../../local/stack.ts";
import { waitFor } from "../../local/wait.ts";
import { testDatabase } from "../support/database.ts";
import { recordingLog } from "../support/recording_log.ts";
import { Program } from "../support/program.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { denoEnv, taskCommand } from "../support/task_command.ts";
import { administer, produce, sevenFields } from "../support/topic_io.ts";

const ROWS = "SELECT count(*) FROM mon_daily";

/** A folder with a config in it, and programs started there, for one test. */
async function workplace(config: unknown) {
  const parts = new AsyncDisposableStack();
  const cwd = await mkdtemp(join(tmpdir(), "httpmon-faults-"));
  parts.defer(() => rm(cwd, { recursive: true, force: true }));
  await writeFile(join(cwd, "config.yaml"), JSON.stringify(config));
  return {
    start: (mode: "agent" | "writer") =>
      parts.use(
        new Program({
          command: [...taskCommand(mode), "-c", "config.yaml"],
          cwd,
          env: denoEnv(),
        }),
      ),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

Deno.test("a writer killed in mid-load, twice, leaves every result in the table once", async () => {
  await using database = await testDatabase();
  const topic = await freshTopic({ partitions: 6 });
  await using place = await workplace({
    loglevel: "INFO",
    kafka: {
      monitoring: {
        bootstrap_servers: (await kafkaForTests()).brokers,
        topic,
        consumer_group: `group-of-${topic}`,
        batch_timeout_ms: 100,
      },
    },
    writer: { max_batch_messages: 50 },
    database: { dsn: database.dsn },
  });
  const batches = 100;
  const load = (async () => {
    for (let i = 0; i < batches; i++) {
      const messages = Array.from({ length: 100 }, (_, n) => sevenFields(i * 100 + n));
      await produce(topic, messages.map((m) => ({ key: m.url, value: JSON.stringify(m) })));
    }
  })();
  let stored = 0;
  for (const least of [1_000, 3_000]) {
    const writer = place.start("writer");
    await waitFor(`${least} rows`, async () => await database.count(ROWS) >= least, 60_000);
    await writer.killed();
    const now = await database.count(ROWS);
    assertGreater(now, stored);
    stored = now;
  }
  // Killed in the middle: there was more to come.
  assertLess(stored, batches * 100);
  const last = place.start("writer");
  await load;
  await waitFor("all rows", async () => await database.count(ROWS) >= batches * 100, 60_000);
  await last.stops(20_000);
  assertEquals(await database.count(ROWS), batches * 100);
  assertEquals(await database.count("SELECT count(*) FROM dead_letters"), 0);
  // A producer that has to try again may write a message twice; each is read once.
  const ends = await administer((admin) => admin.fetchTopicOffsets(topic));
  assertEquals(
    await database.count("SELECT sum(next_offset) FROM consumer_offsets"),
    ends.reduce((sum, { high }) => sum + Number(high), 0),
  );
});

Deno.test("a broker away for 30 s under load loses no result and delays no check", async () => {
  await using database = await testDatabase();
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "httpmon-broker-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const kafka = await startKafka({ folder });
  parts.defer(() => kafka.stop());
  const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    return new Response("fine");
  });
  parts.defer(() => site.shutdown());
  const origin = `http://127.0.0.1:${site.addr.port}`;
  const sites = 100;
  await using place = await workplace({
    loglevel: "INFO",
    kafka: { monitoring: { bootstrap_servers: kafka.brokers, batch_timeout_ms: 100 } },
    websites: Object.fromEntries(
      Array.from({ length: sites }, (_, i) => [`${origin}/${i}`, { frequency: 1, timeout: 10 }]),
    ),
    agent: { state_dir: "state" },
    database: { dsn: database.dsn },
  });
  const writer = place.start("writer");
  const agent = place.start("agent");
  await waitFor("the first rows", async () => await database.count(ROWS) > 3 * sites, 60_000);

  await kafka.stop();
  await new Promise((resolve) => setTimeout(resolve, 30_000)); // the fault itself lasts this long
  await kafka.start();
  const back = await database.count(ROWS);
  await waitFor("what waited", async () => await database.count(ROWS) > back + 30 * sites, 60_000);
  await agent.stops(20_000);
  const summary = agent.lastLogLine("The agent stopped");
  assertEquals([summary.dropped, summary.refused, summary.waiting], [0, 0, 0]);
  // Held up by the broker it would have missed each site thirty times; a busy machine takes a moment.
  assertLess(Number(summary.skipped), sites);
  await waitFor(
    "all rows",
    async () => await database.count(ROWS) >= Number(summary.checked),
    60_000,
  );
  await writer.stops(20_000);

  assertEquals(await database.count(ROWS), Number(summary.checked));
  assertEquals(await database.count("SELECT count(*) FROM dead_letters"), 0);
  // An outage is a few lines in the log, not a flood.
  for (const program of [writer, agent]) assertLess(program.errorLines().length, 5);
  // Each site at its own times all along: never two checks over 1.5 s apart.
  const gap = await database.query(
    "SELECT max(extract(epoch FROM ts - before) * 1000)::float8 AS longest," +
      " max(lateness)::float8 AS latest FROM (" +
      " SELECT ts, lateness, lag(ts) OVER (PARTITION BY site_id ORDER BY ts) AS before" +
      " FROM check_results) AS checks",
  );
  assertLess(gap[0].longest, 1_500);
  assertLess(gap[0].latest, 500);
});

Deno.test("a database or a broker that hangs keeps nobody from stopping in time", async () => {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "httpmon-hang-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const stack = await startStack();
  parts.defer(() => stack.stop());
  const { kafka, postgres } = stack;
  await migrate(postgres.dsn, { log: recordingLog() });
  const timeoutMs = 2_000;
  await using place = await workplace({
    loglevel: "INFO",
    kafka: { monitoring: { bootstrap_servers: kafka.brokers, batch_timeout_ms: 100 } },
    websites: { "http://127.0.0.1:9/": { frequency: 1, timeout: 1 } },
    agent: { state_dir: "state", shutdown_timeout_ms: timeoutMs },
    writer: { shutdown_timeout_ms: timeoutMs },
    database: { dsn: postgres.dsn },
  });
  const writer = place.start("writer");
  const agent = place.start("agent");
  const pool = new pg.Pool({ connectionString: postgres.dsn, max: 1 });
  try {
    await waitFor("the first rows", async () => {
      const { rows } = await pool.query("SELECT count(*)::int4 AS n FROM mon_daily");
      return rows[0].n > 2;
    }, 30_000);
  } finally {
    await pool.end();
  }
  const [server] = await connectionsOf(postgres.dsn, "httpmon-writer");
  process.kill(server!, "SIGSTOP");
  kafka.kill("SIGSTOP");
  try {
    // Long enough that both wait for what hangs.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const start = performance.now();
    await Promise.all([writer.stops(20_000), agent.stops(20_000)]);
    assertLess(performance.now() - start, timeoutMs + 5_000);
  } finally {
    kafka.kill("SIGCONT");
    process.kill(server!, "SIGCONT");
  }
});

/** The process ids of the server's side of a program's connections. */
async function connectionsOf(dsn: string, application: string): Promise<number[]> {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  try {
    const { rows } = await client.query(
      "SELECT pid FROM pg_stat_activity WHERE application_name = $1",
      [application],
    );
    return rows.map(({ pid }) => pid);
  } finally {
    await client.end();
  }
}
