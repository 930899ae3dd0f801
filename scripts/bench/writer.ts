/**
 * `deno task bench writer [--results N] [--rounds N] [--against DIR] [--json]`: results wait in a topic,
 * and a writer stores them, in alternating rounds: the seven fields and all of them, none and all of them
 * duplicates, one writer and two, of this checkout and of another; beside kafkajs that reads them alone,
 * and COPY of the same rows alone. On a Kafka and a PostgreSQL of its own, in memory where there is
 * enough. A writer's memory is the most that it had, beside the most until a tenth was stored: however
 * many wait, it stays.
 */
import { parseArgs } from "@std/cli/parse-args";
import { join } from "node:path";
import process from "node:process";
import { quietKafka } from "../../local/kafka/client.ts";
import { waitFor } from "../../local/wait.ts";
import { ROOT } from "../build/project.ts";
import { type Checkout, checkouts, startMode } from "../measure/program.ts";
import { SHAPES } from "../measure/results.ts";
import { type BenchDatabase, benchStack } from "../measure/stack.ts";
import { type Contender, type Figures, inTurn, report } from "../measure/table.ts";
import { cpuOfFamily, usageOf } from "../measure/usage.ts";

const PARTITIONS = 3;
const WITHIN_MS = 600_000;

const args = parseArgs(Deno.args, {
  string: ["results", "rounds", "against", "shape"],
  boolean: ["json"],
});
const results = Number(args.results ?? 500_000);
const rounds = Number(args.rounds ?? 5);
type Shape = keyof typeof SHAPES;
const shapes = (Object.keys(SHAPES) as Shape[]).filter((shape) => shape.includes(args.shape ?? ""));

await using bench = await benchStack();
const { brokers, folder, stack } = bench;
const contenders: Contender[] = [];
for (const shape of shapes) {
  const topic = shape.replace(" ", "-");
  await bench.fill(topic, shape, results, PARTITIONS);
  /** By checkout, one that has all results. */
  const full = new Map<string, BenchDatabase>();
  for (const checkout of checkouts(args.against)) {
    const add = (what: string, run: () => Promise<Figures>) =>
      contenders.push({ name: `${shape}, ${what}${checkout.name}`, run });
    add("one writer", async () => {
      const database = await bench.database(checkout);
      full.set(checkout.folder, database);
      return await store(checkout, topic, database, 1);
    });
    add("all duplicates", async () => {
      const database = full.get(checkout.folder)!;
      await database.query("DELETE FROM consumer_offsets");
      return await store(checkout, topic, database, 1);
    });
    add("two writers", async () => await store(checkout, topic, await bench.database(checkout), 2));
  }
  contenders.push({ name: `${shape}, kafkajs alone`, run: () => readAlone(topic) });
  contenders.push({ name: `${shape}, COPY alone`, run: () => copyAlone(full.get(ROOT)!) });
}
await report("writer", await inTurn(contenders, rounds), args.json);
await bench[Symbol.asyncDispose]();
process.exit(0);

/** From the first results in the table to the last: what starting takes is another bench's. */
async function store(
  checkout: Checkout,
  topic: string,
  database: BenchDatabase,
  writers: number,
): Promise<Figures> {
  const config = bench.config({ topic, dsn: database.dsn });
  const running = await Promise.all(
    Array.from({ length: writers }, () => startMode(checkout, ["writer", "-c", config], folder)),
  );
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
  let [begun, rss, rssEarly] = [0, 0, 0];
  await waitFor(
    "the first results",
    async () => (begun = await database.stored()) > 0,
    WITHIN_MS,
    5,
  );
  const before = usage();
  await waitFor(
    "all results",
    async () => {
      rss = Math.max(rss, usage().rss);
      const stored = await database.stored();
      if (rssEarly === 0 || stored <= results / 10) rssEarly = rss;
      return stored >= results;
    },
    WITHIN_MS,
    50,
  );
  const after = usage();
  await Promise.all(running.map((writer) => writer.stop("SIGTERM", 20_000)));
  const count = results - begun;
  const each = (of: "cpu" | "kernel" | "postgres") => (after[of] - before[of]) / count * 1e6;
  return {
    "results/s": count / (after.at - before.at) * 1000,
    "CPU us": each("cpu"),
    "of it kernel": each("kernel"),
    "PostgreSQL us": each("postgres"),
    "MB": rss / 1e6,
    "of the first tenth": rssEarly / 1e6,
  };
}

/** The least that reading can be. */
async function readAlone(topic: string): Promise<Figures> {
  const consumer = quietKafka(brokers).consumer({ groupId: `alone-${performance.now()}` });
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
async function copyAlone(database: BenchDatabase): Promise<Figures> {
  const path = join(stack.data.path, "postgres", "rows");
  await database.query(`COPY (SELECT * FROM check_results) TO '${path}' (FORMAT binary)`);
  await database.query("DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE check_results)");
  const [before, start] = [cpuOfFamily(stack.postgres.pid), performance.now()];
  const { rowCount } = await database.query(`COPY copied FROM '${path}' (FORMAT binary)`);
  const ms = performance.now() - start;
  return {
    "results/s": rowCount! / ms * 1000,
    "PostgreSQL us": (cpuOfFamily(stack.postgres.pid) - before) / rowCount! * 1e6,
  };
}
