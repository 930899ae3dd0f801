import { kafkaSection } from "../config.ts";
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { waitFor } from "../../../local/wait.ts";
import { decode } from "../../../wire/decode.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { Program } from "./program.ts";
import { freshDatabase, kafkaForTests } from "../stack.ts";
import { readTopic } from "../read_topic.ts";

/** How the program is started in each mode; `-c FILE` is added. */
export interface EndToEndCommands {
  "init-schema": readonly string[];
  agent: readonly string[];
  writer: readonly string[];
  /** All of their environment. @default {} */
  env?: Readonly<Record<string, string>>;
}

/** Checks that have to arrive in the table. */
const ENOUGH = 6;

/** Whatever takes longer hangs. */
const WITHIN_MS = 180_000;

/**
 * Runs the whole program as a person would, in a folder of its own: init-schema on an empty database,
 * a writer and an agent that checks two sites, until results are in mon_daily. Then stops both, and
 * compares the table with the topic. Fails unless all ends well and nothing in the logs is at WARN or
 * above.
 */
export async function runEndToEnd(commands: EndToEndCommands): Promise<void> {
  const { env = {} } = commands;
  await using parts = new AsyncDisposableStack();
  const cwd = await mkdtemp(join(tmpdir(), "httpmon-end-to-end-"));
  parts.defer(() => rm(cwd, { recursive: true, force: true }));
  const { dsn, drop } = await freshDatabase({ empty: true });
  parts.defer(drop);
  const site = serveSite();
  parts.defer(() => site.shutdown());
  const { brokers } = await kafkaForTests();
  const topic = `end-to-end-${randomUUID()}`;
  const config = configOf({ brokers, topic, dsn, origin: `http://127.0.0.1:${site.addr.port}` });
  await writeFile(join(cwd, "config.yaml"), JSON.stringify(config));
  const start = (mode: "init-schema" | "agent" | "writer") =>
    parts.use(new Program({ command: [...commands[mode], "-c", "config.yaml"], cwd, env }));

  const initSchema = start("init-schema");
  await initSchema.succeeds(WITHIN_MS);
  const pool = new pg.Pool({ connectionString: dsn, max: 1 });
  parts.defer(() => pool.end());
  const stored = async () =>
    (await pool.query("SELECT count(*)::int4 AS rows FROM mon_daily")).rows[0].rows;

  const writer = start("writer");
  const agent = start("agent");
  await waitFor(`${ENOUGH} rows in mon_daily`, async () => {
    writer.assertRuns();
    agent.assertRuns();
    return await stored() >= ENOUGH;
  }, WITHIN_MS);
  await agent.stops(WITHIN_MS);
  const messages = (await readTopic(topic)).map(toMessage);
  await waitFor("all of the topic in mon_daily", async () => {
    writer.assertRuns();
    return await stored() >= messages.length;
  }, WITHIN_MS);
  await writer.stops(WITHIN_MS);

  await assertStored(pool, messages);
  for (const program of [initSchema, writer, agent]) program.assertCalmLog();
}

function serveSite(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const found = new URL(request.url).pathname === "/";
    return new Response("All is well", { status: found ? 200 : 404 });
  });
}

function configOf(
  { brokers, topic, dsn, origin }: {
    brokers: string[];
    topic: string;
    dsn: string;
    origin: string;
  },
) {
  return {
    loglevel: "INFO",
    kafka: kafkaSection(brokers, topic, 200),
    websites: {
      [`${origin}/`]: { frequency: 1, regex: "is well$" },
      missing: { url: `${origin}/missing`, frequency: 1 },
    },
    agent: { state_dir: "state" },
    database: { writer: { dsn } },
  };
}

function toMessage(value: Uint8Array | null): ResultMessage {
  const decoded = decode(value);
  assert(decoded.ok, JSON.stringify(decoded));
  return decoded.message;
}

/** The table has exactly these messages, field by field. */
async function assertStored(pool: pg.Pool, messages: readonly ResultMessage[]): Promise<void> {
  const { rows } = await pool.query(
    `SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS.US') AS ts, agent::text AS "agentUUID", url,
       regexresult AS "regexResult", responsecode AS "responseCode",
       responsetime AS "responseTime", errormessage AS "errorMessage"
     FROM mon_daily`,
  );
  const inOrder = (results: SevenFields[]) =>
    results.map(({ responseTime: _, ...fields }) => JSON.stringify(fields)).sort();
  assertEquals(inOrder(rows), inOrder(messages.map(sevenFields)));
  const responseTimes = new Map(
    messages.map(({ ts, url, responseTime }) => [ts + url, responseTime]),
  );
  for (const { ts, url, responseTime } of rows) {
    assertLessOrEqual(Math.abs(responseTime - responseTimes.get(ts + url)!), 0.5);
  }
  // A busy machine misses due times.
  const checked = messages.filter(({ reason }) => !/^local_(late|stall)$/.test(reason ?? ""));
  assertEquals(new Set(checked.map(({ responseCode }) => responseCode)), new Set([200, 404]));
  const dead = await pool.query("SELECT reason, detail FROM dead_letters");
  assertEquals(dead.rows, []);
}

type SevenFields = ReturnType<typeof sevenFields>;

function sevenFields(
  { ts, agentUUID, url, regexResult, responseCode, responseTime, errorMessage }: ResultMessage,
) {
  return { ts, agentUUID, url, regexResult, responseCode, responseTime, errorMessage };
}
