/** The faults that every run of the tests goes through, with real processes. */
import { kafkaSection } from "../support/config.ts";
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import pg from "pg";
import { migrate } from "../../db/schema/migrate.ts";
import { quietKafka } from "../../local/kafka/client.ts";
import { startKafka } from "../../local/kafka/kafka.ts";
import { startStack } from "../../local/stack.ts";
import { waitFor } from "../../local/wait.ts";
import { testDatabase } from "../support/database.ts";
import { recordingLog } from "../support/recording_log.ts";
import { Program } from "../support/program/program.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";
import { administer, produce, sevenFields } from "../support/topic_io.ts";

const ROWS = "SELECT count(*) FROM mon_daily";

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

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
    kafka: kafkaSection((await kafkaForTests()).brokers, topic),
    writer: { max_batch_messages: 50 },
    database: { dsn: database.dsn },
  });
  let [sent, isOver] = [0, false];
  // As long as a writer may be killed there is more to come, and some thousands wait.
  const load = (async () => {
    for (let isLast = false; !isLast;) {
      isLast = isOver;
      const messages = Array.from({ length: 100 }, (_, n) => sevenFields(sent + n));
      await produce(topic, messages.map((m) => ({ key: m.url, value: JSON.stringify(m) })));
      sent += messages.length;
      while (!isOver && sent > await database.count(ROWS) + 5_000) await delay(25);
    }
  })();
  let stored = 0;
  try {
    for (let kill = 0; kill < 2; kill++) {
      const writer = place.start("writer");
      const least = stored + 1_000;
      await waitFor(`${least} rows`, async () => {
        writer.assertRuns();
        return await database.count(ROWS) >= least;
      }, 120_000);
      await writer.killed();
      stored = await database.count(ROWS);
    }
  } finally {
    isOver = true;
    await load;
  }
  // Killed in the middle: there was more to come.
  assertLess(stored, sent);
  const last = place.start("writer");
  await waitFor("all rows", async () => await database.count(ROWS) >= sent, 120_000);
  await last.stops(60_000);
  assertEquals(await database.count(ROWS), sent);
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
  const sites = 50;
  const configOf = (bootstrap_servers: string[], topic: string) => ({
    loglevel: "INFO",
    kafka: { monitoring: { bootstrap_servers, topic, batch_timeout_ms: 100 } },
    websites: Object.fromEntries(
      Array.from({ length: sites }, (_, i) => [`${origin}/${i}`, { frequency: 1, timeout: 10 }]),
    ),
    agent: { state_dir: "state", shutdown_timeout_ms: 60_000 },
    database: { dsn: database.dsn },
  });
  await using place = await workplace(configOf(kafka.brokers, "monitoring"));
  // What the machine does to an agent, it does to one beside it, whose broker stays.
  const { brokers } = await kafkaForTests();
  await using beside = await workplace(configOf(brokers, await freshTopic()));
  const writer = place.start("writer");
  const agent = place.start("agent");
  const other = beside.start("agent");
  await waitFor("the first rows", async () => await database.count(ROWS) > 3 * sites, 120_000);

  await kafka.stop();
  await delay(30_000); // the fault itself lasts this long
  await kafka.start();
  const back = await database.count(ROWS);
  await waitFor("what waited", async () => await database.count(ROWS) > back + 30 * sites, 120_000);
  await Promise.all([agent.stops(120_000), other.stops(120_000)]);
  const [summary, ofOther] = [agent, other].map((one) => one.lastLogLine("The agent stopped")) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  assertEquals([summary.dropped, summary.refused, summary.waiting], [0, 0, 0]);
  // Held up by the broker it would have missed each site thirty times.
  for (const what of ["skipped", "late"]) {
    assertLess(Number(summary[what]), 2 * Number(ofOther[what]) + sites, what);
  }
  await waitFor(
    "all rows",
    async () => await database.count(ROWS) >= Number(summary.checked),
    120_000,
  );
  await writer.stops(60_000);

  assertEquals(await database.count(ROWS), Number(summary.checked));
  assertEquals(await database.count("SELECT count(*) FROM dead_letters"), 0);
  // An outage is a few lines in the log, not a flood.
  for (const program of [writer, agent]) assertLess(program.errorLines().length, 5);
  // Held up by the broker, a site would not have been checked for as long as that was away.
  const [gap] = await database.query(
    `SELECT max(extract(epoch FROM ts - before))::float8 AS seconds FROM (
       SELECT ts, lag(ts) OVER (PARTITION BY site_id ORDER BY ts) AS before
       FROM check_results) AS checks`,
  );
  assertLess(gap.seconds, 20);
});

Deno.test("a database or a broker that hangs keeps nobody from stopping in time", async () => {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "httpmon-hang-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const stack = await startStack();
  parts.defer(() => stack.stop());
  const { kafka, postgres } = stack;
  let asked = 0;
  const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked++;
    return new Response("fine");
  });
  parts.defer(() => site.shutdown());
  await migrate(postgres.dsn, { log: recordingLog() });
  const timeoutMs = 2_000;
  await using place = await workplace({
    loglevel: "INFO",
    kafka: { monitoring: { bootstrap_servers: kafka.brokers, batch_timeout_ms: 100 } },
    websites: { [`http://127.0.0.1:${site.addr.port}/`]: { frequency: 1 } },
    agent: { state_dir: "state", shutdown_timeout_ms: timeoutMs },
    writer: { shutdown_timeout_ms: timeoutMs },
    database: { dsn: postgres.dsn },
  });
  const writer = place.start("writer");
  const agent = place.start("agent");
  const client = new pg.Client({ connectionString: postgres.dsn });
  await client.connect();
  parts.defer(() => client.end());
  const ask = async (sql: string) => (await client.query(sql)).rows;
  await waitFor("the first rows", async () => {
    return (await ask("SELECT count(*)::int4 AS n FROM mon_daily"))[0].n > 2;
  }, 60_000);
  const admin = quietKafka(kafka.brokers).admin();
  await admin.connect();
  parts.defer(() => admin.disconnect());
  const servers = await ask(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'httpmon-writer'",
  );
  assertGreater(servers.length, 0);
  for (const { pid } of servers) process.kill(pid, "SIGSTOP");
  try {
    await waitFor("the writer to wait for its database", async () => {
      const [{ stored }] = await ask(
        "SELECT sum(next_offset)::int4 AS stored FROM consumer_offsets",
      );
      const ends = await admin.fetchTopicOffsets("monitoring");
      return ends.reduce((sum, { high }) => sum + Number(high), 0) > stored + 2;
    }, 60_000);
    kafka.kill("SIGSTOP");
    const before = asked;
    await waitFor("results that the broker does not take", () => asked > before + 2, 60_000);
    const start = performance.now();
    await Promise.all([writer.stops(60_000), agent.stops(60_000)]);
    // Who waits for an answer, of either, waits for 25 s and more.
    assertLess(performance.now() - start, 20_000);
  } finally {
    kafka.kill("SIGCONT");
    for (const { pid } of servers) process.kill(pid, "SIGCONT");
  }
});
