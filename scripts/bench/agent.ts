/**
 * `deno task bench agent [--sites N] [--seconds N] [--rounds N] [--only TEXT] [--against DIR] [--json]`:
 * what a check costs, in alternating rounds. The floors are a bare loop over a socket (connect, write,
 * read to the close), the timed client alone and the platform's fetch; then the whole agent, a process
 * that checks sites of another one and publishes to a real Kafka, of this checkout and of another.
 *
 * Kafka is that of HTTPMON_TEST_KAFKA, or one of its own. Only the ratios within one run mean anything.
 */
import { parseArgs } from "@std/cli/parse-args";
import { randomUUID } from "node:crypto";
import net from "node:net";
import { join } from "node:path";
import process from "node:process";
import { createPlatformFetchClient } from "../../agent/http/platform_fetch.ts";
import { createTimedClient } from "../../agent/http/timed/client.ts";
import type { HttpClient } from "../../agent/http/types.ts";
import { dataFolder } from "../../local/data_folder.ts";
import { startKafka } from "../../local/kafka/kafka.ts";
import { logTail, waitFor } from "../../local/wait.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { parseTimestamp } from "../../wire/timestamp.ts";
import { type Checkout, checkouts, startMode } from "../measure/program.ts";
import { startSites } from "../measure/site_server.ts";
import { quantile } from "../measure/statistics.ts";
import { type Contender, type Figures, inTurn, report } from "../measure/table.ts";
import { threadsOf, usageOf } from "../measure/usage.ts";
import { readResults } from "../soak/read_results.ts";

/** Of a floor, in one round. */
const CHECKS = 3_000;
const AT_A_TIME = 10;
const WITHIN_MS = 60_000;

const args = parseArgs(Deno.args, {
  string: ["sites", "seconds", "rounds", "only", "against"],
  boolean: ["json"],
});
const seconds = Number(args.seconds ?? 10);
await using parts = new AsyncDisposableStack();
const data = await dataFolder();
parts.defer(() => data.close());
const sites = await startSites();
parts.defer(() => sites.stop());
await Deno.writeTextFile(join(data.path, "ca.pem"), sites.ca);
const brokers = process.env.HTTPMON_TEST_KAFKA?.split(",") ?? await ownKafka();

/** Sites of one kind, checked by an agent. */
interface Fleet {
  count: number;
  /** Seconds. */
  frequency: number;
  scheme?: "http" | "https";
  settings?: Record<string, unknown>;
}

const many = Number(args.sites ?? 1_000);
const busy = { count: many, frequency: Math.max(1, many / 1_000) };
const FLEETS: Record<string, Fleet> = {
  "10 sites, each minute": { count: 10, frequency: 60 },
  "10 sites, each second": { count: 10, frequency: 1 },
  "100 sites, each second": { count: 100, frequency: 1 },
  [`${many} sites, each minute`]: { count: many, frequency: 60 },
  [`${many} sites`]: busy,
  [`${many} sites, regex`]: { ...busy, settings: { regex: "all is as it (must|should)" } },
  [`${many} sites, reused`]: { ...busy, settings: { connection: "reuse" } },
  [`${many} sites, TLS`]: { ...busy, scheme: "https" },
  [`${many} sites, TLS, reused`]: { ...busy, scheme: "https", settings: { connection: "reuse" } },
};

const timed = createTimedClient();
parts.defer(() => timed.close());
const platform = createPlatformFetchClient();
const contenders: Contender[] = [
  floor("bare loop", () => bareCheck(sites.http)),
  floor("timed client", () => clientCheck(timed)),
  floor("platform fetch", () => clientCheck(platform)),
  ...Object.entries(FLEETS).flatMap(([name, fleet]) =>
    checkouts(args.against).map((checkout) => ({
      name: name + checkout.name,
      run: () => agentRound(checkout, fleet),
    }))
  ),
].filter(({ name }) => name.includes(args.only ?? "") || name === "bare loop");

const measured = await inTurn(contenders, Number(args.rounds ?? 5));
const bare = measured.get("bare loop")!["us a check"]!;
for (const [name, figures] of measured) {
  measured.set(name, { ...figures, "x bare loop": figures["us a check"]! / bare });
}
await report("agent", measured, args.json);
await parts.disposeAsync();
process.exit(0);

async function ownKafka(): Promise<string[]> {
  const kafka = await startKafka({ folder: join(data.path, "kafka") });
  parts.defer(() => kafka.stop());
  return kafka.brokers;
}

function floor(name: string, check: () => Promise<void>): Contender {
  return {
    name,
    async run() {
      await many(CHECKS / 10); // the first are compiled
      const before = process.cpuUsage();
      await many(CHECKS);
      const { user, system } = process.cpuUsage(before);
      return { "us a check": (user + system) / CHECKS };

      async function many(checks: number): Promise<void> {
        const work = async () => {
          while (checks-- > 0) await check();
        };
        await Promise.all(Array.from({ length: AT_A_TIME }, work));
      }
    },
  };
}

/** The least that a check over a socket can be. */
function bareCheck(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    let length = 0;
    socket.on("connect", () => {
      socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    });
    socket.on("data", (chunk) => length += chunk.length);
    socket.on("error", reject);
    socket.on("close", () => length > 1000 ? resolve() : reject(new Error("Short response")));
  });
}

async function clientCheck(client: HttpClient): Promise<void> {
  const url = `http://127.0.0.1:${sites.http}/`;
  const record = await client({ url }, new AbortController().signal);
  if (record.error || record.status !== 200) throw new Error(record.error?.message);
}

/** An agent checks the fleet; what it took once it had found its pace. */
async function agentRound(checkout: Checkout, fleet: Fleet): Promise<Figures> {
  const { count, frequency, scheme = "http", settings } = fleet;
  const rate = count / frequency;
  const folder = await Deno.makeTempDir({ dir: data.path });
  const topic = `bench-agent-${randomUUID()}`;
  const config = join(folder, "config.yaml");
  const websites = Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      `${scheme}://127.0.0.1:${sites[scheme]}/${n}`,
      {
        frequency,
        timeout: 5,
        ...settings,
        ...(scheme === "https" && { tls: { ca_file: "../ca.pem" } }),
      },
    ]),
  );
  const kafka = { monitoring: { bootstrap_servers: brokers, topic } };
  await Deno.writeTextFile(
    config,
    JSON.stringify({ loglevel: "INFO", kafka, websites, agent: { state_dir: "state" } }),
  );
  const agent = await startMode(checkout, ["agent", "-c", config], folder);
  const usage = () => ({ ...usageOf(agent.pid), threads: threadsOf(agent.pid) });
  try {
    const log = join(folder, "agent.log");
    const runs = async () =>
      (await Deno.readTextFile(log).catch(() => "")).includes("The agent runs");
    await waitFor("the agent to run", runs, WITHIN_MS);
    // In its first ten seconds each site is checked once, whatever its frequency.
    await sleep(systemClock, 11_000);
    const [from, before] = [Date.now(), usage()];
    await sleep(systemClock, seconds * 1000);
    const [until, after] = [Date.now(), usage()];
    await agent.stop("SIGTERM", 20_000);
    if (await agent.exited !== 0) throw new Error(await logTail(log));
    const { checks, lateness } = await resultsOf(topic, from, until);
    const cpu = after.cpu - before.cpu;
    const expected = rate * (until - from) / 1000;
    const each = (name: keyof typeof after.threads) =>
      (after.threads[name] - before.threads[name]) / checks * 1e6;
    return {
      "us a check": cpu / checks * 1e6,
      "main": each("main"),
      "V8": each("v8"),
      "others": each("others"),
      "% of a core": cpu / (until - from) * 1e5,
      "MB": after.rss / 1e6,
      "kept %": checks / expected * 100,
      "late p50 ms": quantile(lateness, 0.5),
      "p99": quantile(lateness, 0.99),
      "p99.9": quantile(lateness, 0.999),
    };
  } finally {
    await agent.stop("SIGKILL", 0);
  }
}

/** Of the results whose checks began in a time, how many there are, and how late these were, ms. */
async function resultsOf(topic: string, from: number, until: number) {
  const lateness: number[] = [];
  const ms = (timestamp: string) => Number(parseTimestamp(timestamp)) / 1000;
  await readResults(brokers, topic, (value) => {
    const { ts, scheduledAt } = JSON.parse(new TextDecoder().decode(value!)) as ResultMessage;
    const began = ms(ts);
    if (began >= from && began < until) lateness.push(began - ms(scheduledAt!));
  });
  return { checks: lateness.length, lateness };
}
