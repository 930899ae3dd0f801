import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { withAdmin } from "../../kafka/cluster.ts";
import { createTopic } from "../../kafka/topic.ts";
import { quietKafka } from "../../local/kafka/client.ts";
import { waitFor } from "../../local/wait.ts";
import { createLogger } from "../../runtime/log/log.ts";

/** The first start ever downloads the servers. */
const START_MS = 180_000;

/** Only one process at a time makes the template; any number that nothing else locks. */
const TEMPLATE_LOCK = 4_804_661_133;
/** Past it, a session is not about to end. */
const SESSIONS_END_MS = 10_000;

/** The Kafka to test on: HTTPMON_TEST_KAFKA where set, else one that lasts as long as this process. */
export async function kafkaForTests(): Promise<{ brokers: string[] }> {
  const address = process.env.HTTPMON_TEST_KAFKA || await serverForThisProcess("kafka");
  return { brokers: address.split(",") };
}

/** Makes a topic that no other test uses, as ours are made: the broker's time on each record. */
export async function freshTopic(
  options: { partitions?: number; config?: Record<string, string> } = {},
): Promise<string> {
  const { brokers } = await kafkaForTests();
  const topic = `test-${randomUUID()}`;
  const config = { "message.timestamp.type": "LogAppendTime", ...options.config };
  await withAdmin(quietKafka(brokers), (admin) =>
    createTopic(admin, {
      topic,
      numPartitions: options.partitions ?? 1,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    }));
  return topic;
}

/**
 * Makes a database that no other test uses, with the schema in it or, if `empty`, with nothing, on
 * the server of HTTPMON_TEST_DSN or else on one that lasts as long as this process.
 */
export async function freshDatabase(
  options: { empty?: boolean } = {},
): Promise<{ dsn: string; drop(): Promise<void> }> {
  const server = process.env.HTTPMON_TEST_DSN || await serverForThisProcess("postgres");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await onServer(server, async (client) => {
    const template = options.empty
      ? "template0"
      : `httpmon_template_${await (schema ??= schemaHash())}`;
    const { rows: [{ version }] } = await client.query(
      "SELECT current_setting('server_version_num')::int AS version",
    );
    // The other way, from 15 on, writes each page to the WAL as well.
    const strategy = version < 150_000 ? "" : "STRATEGY FILE_COPY";
    const clone = () => client.query(`CREATE DATABASE ${name} TEMPLATE ${template} ${strategy}`);
    await clone().catch(async (error) => {
      if (error.code !== "3D000") throw error;
      await makeTemplate(client, server, template);
      await clone();
    });
  });
  return {
    dsn: withDatabase(server, name),
    drop: () =>
      onServer(server, async (client) => {
        await sessionsEnd(client, name);
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}

/**
 * A session that its client has ended may not have heard of it yet; told that it is terminated, it would
 * tell a client that has nobody left to hear that.
 */
async function sessionsEnd(client: pg.Client, database: string): Promise<void> {
  const sql = `SELECT FROM pg_stat_activity
    WHERE datname = $1 AND backend_type = 'client backend'`;
  const areOver = async () => (await client.query(sql, [database])).rowCount === 0;
  await waitFor("sessions to end", areOver, SESSIONS_END_MS).catch(() => {});
}

/** Makes a database with the schema in it, to be cloned: migrating takes far longer than cloning. */
async function makeTemplate(client: pg.Client, server: string, name: string): Promise<void> {
  await client.query("SELECT pg_advisory_lock($1)", [TEMPLATE_LOCK]);
  const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
  if (found.rowCount !== 0) return;
  const making = `${name}_making`;
  await client.query(`DROP DATABASE IF EXISTS ${making} WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${making} TEMPLATE template0`);
  const { migrate } = await import("../../db/schema/migrate.ts");
  await migrate(withDatabase(server, making), {
    log: createLogger({ loglevel: "ERROR", secrets: [] }, "tests"),
  });
  await client.query(`ALTER DATABASE ${making} RENAME TO ${name}`);
}

/** Read once: the schema does not change while tests run. */
let schema: Promise<string> | null = null;

/** Changes with everything that the migrated database depends on. */
async function schemaHash(): Promise<string> {
  const folder = fileURLToPath(new URL("../../db/schema", import.meta.url));
  const hash = createHash("sha256");
  for (const file of (await readdir(folder, { recursive: true })).sort()) {
    if (/\.(sql|ts)$/.test(file)) hash.update(file).update(await readFile(join(folder, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

async function onServer(server: string, run: (client: pg.Client) => Promise<unknown>) {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await run(client);
  } finally {
    await client.end();
  }
}

function withDatabase(dsn: string, database: string): string {
  const url = new URL(dsn);
  url.pathname = `/${database}`;
  return url.href;
}

/** Starts a server for all of this process, or finds the one that another test file started. */
async function serverForThisProcess(kind: "kafka" | "postgres"): Promise<string> {
  const folder = join(tmpdir(), `httpmon-tests-${process.pid}-${kind}`);
  const first = await mkdir(folder).then(() => true, (error) => {
    if (error.code !== "EEXIST") throw error;
    return false;
  });
  if (first) {
    const script = fileURLToPath(new URL("./stack_server.ts", import.meta.url));
    // Put into the background by a shell that ends at once: no child of this process remains.
    const background = 'trap "" INT; "$@" </dev/null >"$FOLDER/log" 2>&1 &';
    const command = [process.execPath, "run", "-A", script, kind, String(process.pid), folder];
    await promisify(execFile)("/bin/sh", ["-c", background, "sh", ...command], {
      env: { ...process.env, FOLDER: folder },
    });
  }
  const address = join(folder, "address");
  const error = join(folder, "error");
  await waitFor(
    `a ${kind} for the tests`,
    () => existsSync(address) || existsSync(error),
    START_MS,
  );
  if (existsSync(error)) throw new Error(await readFile(error, "utf8"));
  return await readFile(address, "utf8");
}
