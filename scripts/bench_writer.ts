/**
 * `deno task bench writer [--results N] [--rounds N] [--against DIR] [--json]`: results wait in a topic,
 * and a writer stores them, in alternating rounds: the seven fields and all of them, none and all of them
 * duplicates, one writer and two, of this checkout and of another; beside kafkajs that reads them alone,
 * and COPY of the same rows alone. On a Kafka and a PostgreSQL of its own, in memory where there is
 * enough.
 */
import { parseArgs } from "@std/cli/parse-args";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import pg from "pg";
import { quickestFolder } from "../local/data_folder.ts";
import { quietKafka } from "../local/kafka_client.ts";
import { startStack } from "../local/stack.ts";
import { waitFor } from "../local/wait.ts";
import { encode } from "../wire/encode.ts";
import { type Checkout, checkouts, runMode, startMode } from "./measure/program.ts";
import { resultOf, SHAPES } from "./measure/results.ts";
import { type Contender, type Figures, inTurn, report } from "./measure/table.ts";
import { cpuOfFamily, usageOf } from "./measure/usage.ts";

const PARTITIONS = 3;
const SITES = 1_000;
const CHUNK = 1_500;
const WITHIN_MS = 600_000;

const args = parseArgs(Deno.args, {
  string: ["results", "rounds", "against", "shape"],
  boolean: ["json"],
});
const results = Number(args.results ?? 500_000);
const rounds = Number(args.rounds ?? 5);
type Shape = keyof typeof SHAPES;
const shapes = (Object.keys(SHAPES) as Shape[]).filter((shape) => shape.includes(args.shape ?? ""));

const stack = await startStack({
  parent: await quickestFolder(),
  kafka: { settings: { "log.retention.ms": "-1" } },
  postgres: { settings: { max_wal_size: "4GB" } },
});
const folder = await Deno.makeTempDir({ prefix: "httpmon-bench-" });
const { brokers } = stack.kafka;
let made = 0;
try {
  const contenders: Contender[] = [];
  for (const shape of shapes) {
    await fill(shape);
    const duplicates = new Map<string, string>();
    const topic = topicOf(shape);
    for (const checkout of checkouts(args.against)) {
      const name = (what: string) => `${shape}, ${what}${checkout.name}`;
      const add = (what: string, run: () => Promise<Figures>) =>
        contenders.push({ name: name(what), run });
      add("one writer", async () => {
        const dsn = await database(checkout);
        duplicates.set(checkout.folder, dsn);
        return await store(checkout, topic, dsn, 1);
      });
      add("all duplicates", async () => {
        const dsn = duplicates.get(checkout.folder)!;
        await withClient(dsn, (client) => client.query("DELETE FROM consumer_offsets"));
        return await store(checkout, topic, dsn, 1);
      });
      add("two writers", async () => await store(checkout, topic, await database(checkout), 2));
    }
    const [{ folder: here }] = checkouts(undefined) as [Checkout];
    contenders.push({ name: `${shape}, kafkajs alone`, run: () => readAlone(topic) });
    contenders.push({ name: `${shape}, COPY alone`, run: () => copyAlone(duplicates.get(here)!) });
  }
  await report("writer", await inTurn(contenders, rounds), args.json);
} finally {
  await stack.stop();
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);

function topicOf(shape: Shape): string {
  return shape.replace(" ", "-");
}

async function fill(shape: Shape): Promise<void> {
  const kafka = quietKafka(brokers);
  const admin = kafka.admin();
  const topic = topicOf(shape);
  const configEntries = [{ name: "message.timestamp.type", value: "LogAppendTime" }];
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: PARTITIONS, configEntries }],
  });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  for (let first = 0; first < results; first += CHUNK) {
    const messages = Array.from({ length: Math.min(CHUNK, results - first) }, (_, n) => {
      const message = resultOf(shape, (first + n) % SITES, Math.floor((first + n) / SITES));
      return { key: message.url, value: encode(message), partition: (first + n) % PARTITIONS };
    });
    await producer.send({ topic, acks: 1, messages });
  }
  await producer.disconnect();
}

async function withClient<T>(dsn: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

/** A database with the schema of a checkout; the ones before stay, for the duplicates. */
async function database(checkout: Checkout): Promise<string> {
  const name = `bench_${made++}`;
  await withClient(stack.postgres.dsn, (client) => client.query(`CREATE DATABASE ${name}`));
  const dsn = new URL(stack.postgres.dsn);
  dsn.pathname = `/${name}`;
  const config = configOf("none", dsn.href);
  await runMode(checkout, ["init-schema", "-c", config], folder);
  return dsn.href;
}

function configOf(topic: string, dsn: string): string {
  const monitoring = { bootstrap_servers: brokers, topic, consumer_group: `bench-${made++}` };
  const path = join(folder, `config-${made}.yaml`);
  writeFileSync(path, JSON.stringify({ kafka: { monitoring }, database: { dsn } }));
  return path;
}

/** From the first results in the table to the last: what starting takes is another bench's. */
async function store(
  checkout: Checkout,
  topic: string,
  dsn: string,
  writers: number,
): Promise<Figures> {
  const config = configOf(topic, dsn);
  const running = await Promise.all(
    Array.from({ length: writers }, () => startMode(checkout, ["writer", "-c", config], folder)),
  );
  return await withClient(dsn, async (client) => {
    const stored = async () => {
      const { rows } = await client.query(
        "SELECT coalesce(sum(next_offset), 0)::int AS stored FROM consumer_offsets",
      );
      return rows[0].stored as number;
    };
    const usage = () => {
      const each = running.map(({ pid }) => usageOf(pid));
      const sum = (of: "cpu" | "kernel" | "rss") => each.reduce((total, one) => total + one[of], 0);
      return {
        cpu: sum("cpu"),
        kernel: sum("kernel"),
        rss: sum("rss"),
        postgres: cpuOfFamily(stack.postgres.pid),
        at: performance.now(),
      };
    };
    let begun = 0;
    await waitFor("the first results", async () => (begun = await stored()) > 0, WITHIN_MS, 5);
    const before = usage();
    let rss = 0;
    await waitFor(
      "all results",
      async () => {
        rss = Math.max(rss, usage().rss);
        return await stored() >= results;
      },
      WITHIN_MS,
      50,
    );
    const after = usage();
    await Promise.all(running.map((writer) => writer.stop("SIGTERM", 20_000)));
    const count = results - begun;
    const each = (seconds: number) => seconds / count * 1e6;
    return {
      "results/s": count / (after.at - before.at) * 1000,
      "CPU us": each(after.cpu - before.cpu),
      "of it kernel": each(after.kernel - before.kernel),
      "PostgreSQL us": each(after.postgres - before.postgres),
      "MB": rss / 1e6,
    };
  });
}

/** The least that reading can be. */
async function readAlone(topic: string): Promise<Figures> {
  const consumer = quietKafka(brokers).consumer({ groupId: `alone-${made++}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let [count, begun, start, before] = [0, 0, 0, process.cpuUsage()];
  await new Promise<void>((resolve) => {
    consumer.run({
      partitionsConsumedConcurrently: PARTITIONS,
      // deno-lint-ignore require-await
      eachBatch: async ({ batch }) => {
        count += batch.messages.length;
        if (start === 0) [start, begun, before] = [performance.now(), count, process.cpuUsage()];
        if (count >= results) resolve();
      },
    });
  });
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  await consumer.disconnect();
  const read = Math.max(1, count - begun);
  return {
    "results/s": read / ms * 1000,
    "CPU us": (user + system) / read,
    "of it kernel": system / read,
  };
}

/** The least that storing can be: no key, no promise, the rows as the table has them. */
async function copyAlone(dsn: string): Promise<Figures> {
  const path = join(stack.data.path, "postgres", "rows");
  return await withClient(dsn, async (client) => {
    await client.query(`COPY (SELECT * FROM check_results) TO '${path}' (FORMAT binary)`);
    await client.query("DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE check_results)");
    const [before, start] = [cpuOfFamily(stack.postgres.pid), performance.now()];
    const { rowCount } = await client.query(`COPY copied FROM '${path}' (FORMAT binary)`);
    const ms = performance.now() - start;
    return {
      "results/s": rowCount! / ms * 1000,
      "PostgreSQL us": (cpuOfFamily(stack.postgres.pid) - before) / rowCount! * 1e6,
    };
  });
}
