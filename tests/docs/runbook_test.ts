/** Steps of docs/runbook.md that other tests do not make. */
import { assert, assertEquals } from "@std/assert";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../local/wait.ts";
import { ROOT } from "../../scripts/build/project.ts";
import { ownDatabase } from "../db/fixture.ts";
import { Program } from "../support/program/program.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { readTopic } from "../support/read_topic.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";
import { produce, sevenFields } from "../support/topic_io.ts";

async function place() {
  const cwd = await mkdtemp(join(tmpdir(), "httpmon-runbook-"));
  return {
    cwd,
    async start(mode: string, config: unknown) {
      await writeFile(join(cwd, `${mode}.yaml`), JSON.stringify(config));
      const command = [...taskCommand(mode), "-c", `${mode}.yaml`];
      return new Program({ command, cwd, env: denoEnv() });
    },
    [Symbol.asyncDispose]: () => rm(cwd, { recursive: true, force: true }),
  };
}

const send = (topic: string, from: number, to: number) =>
  produce(
    topic,
    Array.from({ length: to - from }, (_, n) => sevenFields(from + n))
      .map((message) => ({ key: message.url, value: JSON.stringify(message) })),
  );

/** The major version of PostgreSQL's own program; 0: there is none. */
function pgDumpVersion(): number {
  try {
    const { stdout } = new Deno.Command("pg_dump", { args: ["--version"] }).outputSync();
    return Number(/\) (\d+)/.exec(new TextDecoder().decode(stdout))![1]);
  } catch {
    return 0;
  }
}

Deno.test("a backup that is older than the topic is restored, and the writer reads what came since", async (t) => {
  await using database = await ownDatabase();
  const server = Number(await database.value("SHOW server_version_num")) / 10_000;
  if (pgDumpVersion() < Math.floor(server)) {
    await t.step({ name: "no pg_dump for this server", ignore: true, fn: () => {} });
    return;
  }
  await using work = await place();
  const topic = await freshTopic({ partitions: 3 });
  const { brokers } = await kafkaForTests();
  const config = (dsn: string) => ({
    kafka: {
      monitoring: {
        bootstrap_servers: brokers,
        topic,
        consumer_group: topic,
        batch_timeout_ms: 100,
      },
    },
    database: { dsn },
  });
  const run = async (program: string, ...args: string[]) => {
    const { code, stderr } = await new Deno.Command(program, { args }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""], program);
  };
  const stored = (of: typeof database) => of.value("SELECT count(*)::int FROM mon_daily");
  const writeUntil = async (of: typeof database, count: number) => {
    await using writer = await work.start("writer", config(of.dsn));
    await waitFor(`${count} rows`, async () => await stored(of) === count, 60_000);
    await writer.stops(60_000);
  };

  await send(topic, 0, 30);
  await writeUntil(database, 30);
  const file = join(work.cwd, "httpmon.dump");
  await run("pg_dump", "--format=custom", `--file=${file}`, database.dsn);
  await send(topic, 30, 60);
  await writeUntil(database, 60);

  await using restored = await ownDatabase({ empty: true });
  await run("pg_restore", "--no-owner", `--dbname=${restored.dsn}`, file);
  assertEquals(await stored(restored), 30);
  await writeUntil(restored, 60);
  const rows = (of: typeof database) => of.rows("SELECT * FROM mon_daily ORDER BY ts, url");
  assertEquals(await rows(restored), await rows(database));
});

Deno.test("an agent is moved with its state: its identity, and what it had not sent", async () => {
  await using work = await place();
  const topic = await freshTopic();
  const { brokers } = await kafkaForTests();
  const site = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("well"),
  );
  const config = (servers: readonly string[], state_dir: string, shutdown_timeout_ms: number) => ({
    kafka: { monitoring: { bootstrap_servers: servers, topic, request_timeout_ms: 2_000 } },
    websites: { [`http://127.0.0.1:${site.addr.port}/`]: { frequency: 1 } },
    agent: { state_dir, shutdown_timeout_ms },
  });
  /** What the agent's own last line says of it. */
  const told = (agent: Program, field: string) =>
    Number(agent.lastLogLine("The agent stopped")[field]);
  try {
    const here = await work.start("agent", config(["127.0.0.1:9"], "here", 500));
    await waitFor("a spell", () => here.stderr.includes("wait in the outbox"), 60_000);
    await here.stops(60_000);
    const waiting = told(here, "waiting");
    assert(waiting > 0);
    await cp(join(work.cwd, "here"), join(work.cwd, "there"), { recursive: true });
    const there = await work.start("agent", config(brokers, "there", 60_000));
    await waitFor("the agent to run", () => there.stderr.includes("The agent runs"), 60_000);
    const uuid = (await readFile(join(work.cwd, "here", "agent-uuid"), "utf8")).trim();
    assert(there.stderr.includes(uuid));
    await waitFor("the sends", async () => {
      return (await readTopic(topic)).length > waiting;
    }, 60_000);
    await there.stops(60_000);
    assertEquals(told(there, "waiting"), 0);
    assert(told(there, "published") > waiting);
  } finally {
    await site.shutdown();
  }
});

Deno.test("docs/runbook.md's SQL runs", async () => {
  await using database = await ownDatabase();
  const page = await readFile(join(ROOT, "docs/runbook.md"), "utf8");
  const queries = [...page.matchAll(/psql -c "((?:[^"\\]|\\.)*)"/g)];
  assertEquals(queries.length, 2);
  for (const [, sql] of queries) await database.rows(sql!.replaceAll('\\"', '"'));
});
