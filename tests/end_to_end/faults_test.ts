/** The faults that every run of the tests goes through, with real processes. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKafka } from "../../local/kafka.ts";
import { waitFor } from "../../local/wait.ts";
import { testDatabase } from "../support/database.ts";
import { Program } from "../support/program.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { denoEnv, taskCommand } from "../support/task_command.ts";
import { produce, sevenFields } from "../support/topic_io.ts";

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
  assertEquals(
    await database.count("SELECT sum(next_offset) FROM consumer_offsets"),
    batches * 100,
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
  assertEquals(
    [summary.dropped, summary.refused, summary.waiting, summary.skipped],
    [0, 0, 0, 0],
  );
  await waitFor(
    "all rows",
    async () => await database.count(ROWS) >= Number(summary.checked),
    60_000,
  );
  await writer.stops(20_000);

  assertEquals(await database.count(ROWS), Number(summary.checked));
  assertEquals(await database.count("SELECT count(*) FROM dead_letters"), 0);
  // Each site at its own times all along: never two checks over 1.5 s apart.
  const gap = await database.query(
    "SELECT max(extract(epoch FROM ts - before) * 1000)::float8 AS longest," +
      " max(extract(epoch FROM ts - scheduled_at) * 1000)::float8 AS latest FROM (" +
      " SELECT ts, scheduled_at, lag(ts) OVER (PARTITION BY site_id ORDER BY ts) AS before" +
      " FROM check_results) AS checks",
  );
  assertLess(gap[0].longest, 1_500);
  assertLess(gap[0].latest, 500);
});
