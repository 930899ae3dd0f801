/**
 * `deno task bench size [--sites 1000,10000] [--frequency 60] [--seconds 60] [--json]`: what a
 * deployment is sized by. An agent, a writer and an alerter at work beside Kafka and PostgreSQL, with
 * few sites and with many, so that what each takes at rest and what it takes for a result part.
 */
import { parseArgs } from "@std/cli/parse-args";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { LocalProcess } from "../../local/process.ts";
import { waitFor } from "../../local/wait.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { checkouts, startMode } from "../measure/program.ts";
import { benchStack } from "../measure/stack.ts";
import { type Contender, type Figures, inTurn, report } from "../measure/table.ts";
import { cpuOfFamily, usageOf } from "../measure/usage.ts";

const MODES = ["agent", "writer", "alerts"] as const;
const WITHIN_MS = 120_000;
const args = parseArgs(Deno.args, {
  string: ["sites", "frequency", "seconds"],
  boolean: ["json"],
});
const frequency = Number(args.frequency ?? 60);
const seconds = Number(args.seconds ?? 60);
const [checkout] = checkouts(undefined);
await using bench = await benchStack();
const { kafka, postgres, data } = bench.stack;
const page = "fine ".repeat(1_000);
const site = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  () => new Response(page),
);

const contenders: Contender[] = String(args.sites ?? "1000,10000").split(",").map((
  sites,
) => ({
  name: `${sites} sites`,
  async run(): Promise<Figures> {
    const topic = `size-${sites}`;
    const database = await bench.database(checkout!);
    const config = bench.config({
      topic,
      dsn: database.dsn,
      websites: Object.fromEntries(
        Array.from({ length: Number(sites) }, (_, n) => [
          `http://127.0.0.1:${site.addr.port}/${n}`,
          { frequency, timeout: 5 },
        ]),
      ),
      agent: { state_dir: await Deno.makeTempDir({ dir: bench.folder }) },
    });
    const programs: LocalProcess[] = [];
    for (const mode of MODES) {
      programs.push(await startMode(checkout!, [mode, "-c", config], bench.folder));
    }
    const rows = async () =>
      (await database.query("SELECT count(*)::int AS rows FROM check_results")).rows[0].rows;
    // An agent asks each once in its first ten seconds, and then in turn.
    await waitFor("one of each site", async () => await rows() >= Number(sites), WITHIN_MS);
    const [before, first] = [usages(), await rows()];
    await sleep(systemClock, seconds * 1_000);
    const [after, last] = [usages(), await rows()];
    const [agent, writer, alerts] = programs.map(({ pid }) => usageOf(pid).rss / 1e6);
    const bytes = bytesOf(topic) / await rows();
    for (const program of programs) await program.stop("SIGTERM", 20_000);
    const cores = after.map((cpu, i) => (cpu - before[i]!) / seconds * 1_000);
    return {
      "results/s": (last - first) / seconds,
      "agent mcore": cores[0]!,
      "writer mcore": cores[1]!,
      "alerts mcore": cores[2]!,
      "Kafka mcore": cores[3]!,
      "PostgreSQL mcore": cores[4]!,
      "agent MB": agent!,
      "writer MB": writer!,
      "alerts MB": alerts!,
      "topic B/result": bytes,
    };

    function usages(): number[] {
      const own = programs.map(({ pid }) => usageOf(pid).cpu);
      return [...own, usageOf(kafka.pid).cpu, cpuOfFamily(postgres.pid)];
    }
  },
}));

/** What a topic's records take on the broker's disk. */
function bytesOf(topic: string): number {
  const logs = join(data.path, "kafka", "data");
  return readdirSync(logs).filter((name) => name.startsWith(`${topic}-`))
    .flatMap((name) => readdirSync(join(logs, name)).map((file) => join(logs, name, file)))
    .filter((file) => file.endsWith(".log"))
    .reduce((sum, file) => sum + statSync(file).size, 0);
}

await report("size", await inTurn(contenders, 1), args.json);
await site.shutdown();
await bench[Symbol.asyncDispose]();
process.exit(0);
