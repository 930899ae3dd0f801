/**
 * `deno task bench rollup`: five days of results of 500 sites, 3.6 million that are all still to be rolled
 * up, and one `httpmon maintain`, while 10,000 more a minute are stored. Prints how long it
 * took from its start to its end, PostgreSQL's CPU time, and the longest that a batch took to be stored.
 * `--sites`, `--days` and `--rounds` make it another; `--against DIR` runs another checkout in turn, and
 * `--json` prints lines.
 */
import { parseArgs } from "@std/cli/parse-args";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { createPool } from "../../db/connect/pool.ts";
import { dataFolder } from "../../local/data_folder.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { createLogger } from "../../runtime/log/log.ts";
import { fillMarkedResults, SERVER } from "../history/data.ts";
import { type Checkout, checkouts, runMode } from "../measure/program.ts";
import { storeResults } from "../measure/store.ts";
import { type Contender, type Figures, inTurn, report } from "../measure/table.ts";
import { cpuOfFamily } from "../measure/usage.ts";

const OPTIONS = { sites: 500, days: 5, rounds: 1 };
/** Of 10,000 sites; of sites that are known, as what is new costs more. */
const RESULTS_A_MINUTE = 10_000;

const args = parseArgs(Deno.args, {
  string: [...Object.keys(OPTIONS), "against"],
  boolean: ["json"],
});
const number = (name: keyof typeof OPTIONS) => Number(args[name] ?? OPTIONS[name]);
const log = createLogger({ loglevel: "ERROR", secrets: [] }, "bench");
const folder = await dataFolder();
const server = await startPostgres({ folder: folder.path, settings: SERVER });
try {
  const contenders: Contender[] = checkouts(args.against).map((checkout, n) => ({
    name: `maintain${checkout.name}`,
    run: () => maintain(checkout, `bench_${n}`),
  }));
  await report("rollup", await inTurn(contenders, number("rounds")), args.json);
} finally {
  await server.stop();
  await folder.close();
}
Deno.exit(0);

/** One run of a checkout, on a database of its own. */
async function maintain(checkout: Checkout, name: string): Promise<Figures> {
  const owner = new pg.Client({ connectionString: server.dsn });
  await owner.connect();
  await owner.query(`CREATE DATABASE ${name}`);
  const url = new URL(server.dsn);
  url.pathname = `/${name}`;
  const config = join(folder.path, `${name}.json`);
  await writeFile(config, JSON.stringify({ database: { dsn: url.href } }), { mode: 0o600 });
  await runMode(checkout, ["init-schema", "-c", config], folder.path);
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const results = await fillMarkedResults(client, number("sites"), number("days"));
  const { rows: [agent] } = await client.query("SELECT identity FROM agents");
  await client.query("CHECKPOINT");
  await client.end();

  const pool = createPool(url.href, { max: 2, applicationName: "httpmon-bench", log });
  const stop = new AbortController();
  const storing = storeResults({
    pool,
    log,
    sites: number("sites"),
    resultsAMinute: RESULTS_A_MINUTE,
    agentUUID: agent.identity,
    signal: stop.signal,
  });
  const [start, cpu] = [performance.now(), cpuOfFamily(server.pid)];
  await runMode(checkout, ["maintain", "-c", config], folder.path);
  const seconds = (performance.now() - start) / 1_000;
  const cpuSeconds = cpuOfFamily(server.pid) - cpu;
  stop.abort();
  const { longestMs } = await storing;
  await pool.end();
  await owner.query(`DROP DATABASE ${name}`);
  await owner.end();
  return {
    results,
    "s": seconds,
    "PostgreSQL's CPU, s": cpuSeconds,
    "longest batch, ms": longestMs,
  };
}
