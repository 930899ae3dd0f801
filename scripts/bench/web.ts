/**
 * `deno task bench web`: a year of 10,000 sites on a PostgreSQL of its own, the dashboard as a program of
 * its own, and pages asked for while results are stored. Prints how long each page took and how large it
 * was, what the program took of the machine, and what is over its target. `--sites`, `--days`,
 * `--seconds` and `--rate` make it another; `--data DIR` keeps the data and uses it again.
 */
import pg from "pg";
import { parseArgs } from "@std/cli/parse-args";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createPool } from "../../db/connect/pool.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { dataFolder } from "../../local/data_folder.ts";
import { startProgram } from "../../local/demo/programs.ts";
import { freePort } from "../../local/ports.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { waitFor } from "../../local/wait.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/log/log.ts";
import { catchUp, fillHistory, SERVER } from "../history/data.ts";
import { quantile } from "../measure/statistics.ts";
import { usageOf } from "../measure/usage.ts";
import { askPage, type Came, openStream } from "../web/ask.ts";
import { storeResults } from "../measure/store.ts";

const OPTIONS = { sites: 10_000, days: 365, seconds: 60, rate: 20, streams: 200 };
const TARGET = { ms: 100, bytes: 60_000, rss: 200e6, core: 0.1 };
/** How often a page is asked for to see what it costs. */
const ONE_BY_ONE = 25;

const args = parseArgs(Deno.args, { string: [...Object.keys(OPTIONS), "data"] });
const number = (name: keyof typeof OPTIONS) => Number(args[name] ?? OPTIONS[name]);
const sites = number("sites");

/** What is asked for in turn; "$" is a number that is another one each time. */
const PAGES: [name: string, path: (n: number) => string][] = [
  ["overview", () => "/"],
  ["overview, a page", (n) => `/?page=${1 + n % 50}`],
  ["overview, by p95", () => "/?sort=p95"],
  ["overview, 60 checks", (n) => `/?strip=checks&page=${1 + n % 50}`],
  ["search", (n) => `/?q=${1_000 + n % 9_000}`],
  ["a site, 24 hours", (n) => `/sites/${1 + n * 97 % sites}`],
  ["a site, 30 days", (n) => `/sites/${1 + n * 89 % sites}?range=30d`],
  ["a site, a year", (n) => `/sites/${1 + n * 83 % sites}?range=1y`],
  ["incidents", () => "/incidents"],
  ["agents", () => "/agents"],
  ["pipeline", () => "/pipeline"],
  ["reports", () => "/reports"],
  ["status page", () => "/status"],
  ["status.json", () => "/status.json"],
  ["API, sites", () => "/api/v1/sites?limit=100"],
  ["API, results", (n) => `/api/v1/sites/${1 + n * 79 % sites}/results?limit=20`],
];

const folder = await dataFolder(args.data);
const server = await startPostgres({ folder: folder.path, settings: SERVER });
const client = new pg.Client({ connectionString: server.dsn });
const log = createLogger({ loglevel: "ERROR", secrets: [] }, "bench");
const pool = createPool(server.dsn, { max: 2, applicationName: "httpmon-bench", log });
const stop = new AbortController();
const over: string[] = [];
try {
  const { applied } = await migrate(server.dsn, { log });
  await client.connect();
  if (applied.length > 0) {
    const sizes = { hourlySites: 500, hourlyDays: 30, resultSites: 200, resultDays: 2 };
    const history = { sites, days: number("days"), ...sizes };
    await fillHistory(client, history, Date.now(), (line) => console.error(line));
  }
  await catchUp(client, sites, Date.now());
  const { rows: [agent] } = await client.query("SELECT identity FROM agents LIMIT 1");
  const storing = storeResults({
    pool,
    log,
    sites,
    agentUUID: agent.identity,
    signal: stop.signal,
  });
  storing.catch((error) => {
    console.error(error);
    Deno.exit(1);
  });

  const port = await freePort();
  const config = join(folder.path, "config.yaml");
  const web = { listen: port, status: { groups: ["shop"], title: "Status" } };
  await writeFile(config, JSON.stringify({ web, database: { dsn: server.dsn } }), { mode: 0o600 });
  const program = await startProgram("web", config, folder.path);
  try {
    await measure(`http://127.0.0.1:${port}`, program.process.pid);
  } finally {
    await program.process.stop("SIGTERM", 5_000);
  }
  stop.abort();
  console.log(`${(await storing).stored} results were stored meanwhile`);
} finally {
  stop.abort();
  await client.end();
  await pool.end();
  await server.stop();
  await folder.close();
}
console.log(
  over.length === 0 ? "All is within its target" : `Over their target: ${over.join("; ")}`,
);
Deno.exit(over.length === 0 ? 0 : 1);

async function measure(url: string, pid: number): Promise<void> {
  console.error("the dashboard reads its history");
  await waitFor("the history", () => isRead(url), 300_000);
  // What is compiled when it is first needed is not measured.
  for (const [, path] of PAGES) await askPage(url + path(0));
  const alone = await coreShare(pid);
  console.error(`each page ${ONE_BY_ONE} times, one by one`);
  const costs = new Map<string, number>();
  for (const [name, path] of PAGES) costs.set(name, await costOf(pid, alone, url, path));

  console.error(`${number("rate")} requests a second for ${number("seconds")} s`);
  const came = new Map<string, Came[]>(PAGES.map(([name]) => [name, []]));
  const before = usageOf(pid);
  const asked: Promise<void>[] = [];
  const total = number("seconds") * number("rate");
  const start = performance.now();
  for (let n = 0; n < total; n++) {
    await sleep(systemClock, Math.max(0, start + n * 1_000 / number("rate") - performance.now()));
    const [name, path] = PAGES[n % PAGES.length]!;
    asked.push(askPage(url + path(n + 1)).then((answer) => void came.get(name)!.push(answer)));
  }
  await Promise.all(asked);
  const after = usageOf(pid);
  const share = (after.cpu - before.cpu) / (performance.now() - start) * 1_000;
  printPages(came, costs);

  const streams = Array.from({ length: number("streams") }, () => openStream(`${url}/live`));
  await sleep(systemClock, 2_000);
  const together = await coreShare(pid);
  const bytes = streams.reduce((sum, stream) => sum + stream.bytes(), 0);
  for (const stream of streams) stream.close();
  const { rss } = usageOf(pid);
  const most = Math.max(rss, after.rss);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  console.log(`
Memory: ${(most / 1e6).toFixed(0)} MB
Of a core: ${percent(share)} while asked, ${percent(alone)} when nobody asks, ${
    percent(together)
  } with ${streams.length} streams open (${(bytes / 1e6).toFixed(1)} MB went through them)`);
  check(bytes > 0, "no event came through the streams");
  check(most < TARGET.rss, `${(most / 1e6).toFixed(0)} MB of memory`);
  check(together - alone < TARGET.core, `${percent(together - alone)} of a core for the streams`);
}

function printPages(
  came: ReadonlyMap<string, readonly Came[]>,
  costs: ReadonlyMap<string, number>,
): void {
  const head = ["page", "asked", "CPU ms", "p50 ms", "p95 ms", "most ms", "kB, gzip"];
  console.log(`| ${head.join(" | ")} |\n| -- | ${head.slice(1).map(() => "-:").join(" | ")} |`);
  for (const [name, answers] of came) {
    const ms = answers.map((answer) => answer.ms);
    const bytes = Math.max(...answers.map((answer) => answer.bytes));
    const p95 = quantile(ms, 0.95);
    const figures = [costs.get(name)!, quantile(ms, 0.5), p95, Math.max(...ms), bytes / 1e3];
    console.log(`| ${[name, ms.length, ...figures.map((each) => each.toFixed(1))].join(" | ")} |`);
    check(answers.every(({ status }) => status === 200), `${name} failed`);
    check(p95 < TARGET.ms, `${name}: ${p95.toFixed(0)} ms`);
    check(bytes < TARGET.bytes, `${name}: ${(bytes / 1e3).toFixed(0)} kB`);
  }
}

function check(isKept: boolean, what: string): void {
  if (!isKept) over.push(what);
}

/** Whether the first site has all of its figures. */
async function isRead(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/api/v1/sites?limit=1`).catch(() => null);
  const site = answer?.ok ? (await answer.json()).data[0] : undefined;
  return site !== undefined && site.p95 !== null && site.uptime.quarter !== null;
}

/** CPU time that the process needs for a page, ms: it can be compared on a machine that is busy, too. */
async function costOf(
  pid: number,
  alone: number,
  url: string,
  path: (n: number) => string,
): Promise<number> {
  const [before, start] = [usageOf(pid), performance.now()];
  for (let n = 1; n <= ONE_BY_ONE; n++) await askPage(url + path(n));
  const cpu = (usageOf(pid).cpu - before.cpu) * 1_000;
  return Math.max(0, cpu - alone * (performance.now() - start)) / ONE_BY_ONE;
}

/** What a process takes of a core in 20 seconds. */
async function coreShare(pid: number): Promise<number> {
  const [before, start] = [usageOf(pid), performance.now()];
  await sleep(systemClock, 20_000);
  return (usageOf(pid).cpu - before.cpu) / (performance.now() - start) * 1_000;
}
