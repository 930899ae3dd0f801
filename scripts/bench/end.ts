/**
 * `deno task bench end [--rate N] [--seconds N] [--against DIR] [--json]`: from the end of a check to its
 * result's commit, agent and writer at work side by side; each checkout in turn.
 */
import { parseArgs } from "@std/cli/parse-args";
import process from "node:process";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { waitFor } from "../../local/wait.ts";
import { checkouts, startMode } from "../measure/program.ts";
import { benchStack } from "../measure/stack.ts";
import { type Contender, type Figures, inTurn, report } from "../measure/table.ts";
import { cpuOfFamily, usageOf } from "../measure/usage.ts";

/** What the broker may keep a batch for. */
const BATCH_MS = 100;
const WITHIN_MS = 60_000;

const args = parseArgs(Deno.args, {
  string: ["rate", "seconds", "rounds", "against"],
  boolean: ["json"],
});
const rate = Number(args.rate ?? 1_000);
const seconds = Number(args.seconds ?? 60);
await using bench = await benchStack({ track_commit_timestamp: "on" });
const { folder } = bench;
const site = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  () => new Response("fine"),
);
let rounds = 0;

const contenders: Contender[] = checkouts(args.against).map((checkout) => ({
  name: `check to commit${checkout.name}`,
  async run(): Promise<Figures> {
    const database = await bench.database(checkout);
    const websites = Object.fromEntries(
      Array.from({ length: rate }, (_, n) => [
        `http://127.0.0.1:${site.addr.port}/${n}`,
        { frequency: 1, timeout: 5 },
      ]),
    );
    const config = bench.config({
      topic: `end-${rounds++}`,
      dsn: database.dsn,
      websites,
      agent: { state_dir: await Deno.makeTempDir({ dir: folder }) },
      monitoring: { batch_timeout_ms: BATCH_MS },
    });
    const writer = await startMode(checkout, ["writer", "-c", config], folder);
    const agent = await startMode(checkout, ["agent", "-c", config], folder);
    await waitFor("the first rows", async () => await database.stored() > rate, WITHIN_MS);
    const [began, before, first] = [new Date(), usages(), await database.stored()];
    await sleep(systemClock, seconds * 1000);
    const [ended, after, last] = [new Date(), usages(), await database.stored()];
    await agent.stop("SIGTERM", 20_000);
    await writer.stop("SIGTERM", 20_000);
    const { rows: [row] } = await database.query(
      `SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY 1000 * extract(epoch FROM
         pg_xact_commit_timestamp(xmin) - ts) - response_time) AS ms
       FROM check_results WHERE ts BETWEEN $1 AND $2`,
      [began, ended],
    );
    const each = (of: keyof typeof after) => (after[of] - before[of]) / (last - first) * 1e6;
    return {
      "p50 ms": row.ms[0],
      "p99 ms": row.ms[1],
      "results/s": (last - first) / seconds,
      "agent us": each("agent"),
      "writer us": each("writer"),
      "PostgreSQL us": each("postgres"),
      "agent MB": after.agentMb,
      "writer MB": after.writerMb,
    };

    function usages() {
      const [one, other] = [usageOf(agent.pid), usageOf(writer.pid)];
      return {
        agent: one.cpu,
        writer: other.cpu,
        postgres: cpuOfFamily(bench.stack.postgres.pid),
        agentMb: one.rss / 1e6,
        writerMb: other.rss / 1e6,
      };
    }
  },
}));
await report("end", await inTurn(contenders, Number(args.rounds ?? 1)), args.json);
await site.shutdown();
await bench[Symbol.asyncDispose]();
process.exit(0);
