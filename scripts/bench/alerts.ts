/**
 * `deno task bench alerts`: an alerter as a program of its own, on a Kafka and a PostgreSQL of its own.
 * First results come at a steady rate, and it is asked what it took of a core, and how far behind it is
 * at the end; then all sites go down at once, seen from two locations, and it is asked when the last of
 * them was told of. `--sites`, `--rate` and `--seconds` make it another.
 */
import { parseArgs } from "@std/cli/parse-args";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { loadConfig } from "../../config/load.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { createKafka } from "../../kafka/client.ts";
import { isPassing } from "../../kafka/failure.ts";
import { createSender, type Sender } from "../../kafka/sender.ts";
import { startReceiver } from "../../local/demo/receiver.ts";
import { endedByItself, type Program, startProgram } from "../../local/demo/programs.ts";
import { startStack } from "../../local/stack.ts";
import { waitFor } from "../../local/wait.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/log/log.ts";
import { retryUntil } from "../../runtime/retry.ts";
import { encode } from "../../wire/encode.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { cpuOfFamily, usageOf } from "../measure/usage.ts";

const OPTIONS = { sites: 10_000, rate: 1_000, seconds: 30 };
const TARGET = { core: 0.5, lagS: 5, toldS: 30 };
const AGENTS = [
  { agentUUID: "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e4f", location: "eu-west" },
  { agentUUID: "0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90", location: "us-east" },
];
const AT_A_HOST = 5;
/** Of the steady results, one in so many is down. */
const BLIP = 1_000;
const TICK_MS = 100;
const BATCH = 500;
const PATIENCE_MS = 180_000;

const args = parseArgs(Deno.args, { string: Object.keys(OPTIONS) });
const number = (name: keyof typeof OPTIONS) => Number(args[name] ?? OPTIONS[name]);
const [sites, rate, seconds] = [number("sites"), number("rate"), number("seconds")];
/** So that each site is checked as often by each agent as the rate says. */
const frequency = Math.ceil(sites * AGENTS.length / rate);
const urls = Array.from(
  { length: sites },
  (_, n) => `https://${Math.floor(n / AT_A_HOST)}.example/${n}`,
);

const log = createLogger({ loglevel: "ERROR", secrets: [] }, "bench");
const stack = await startStack();
const { kafka, postgres, data } = stack;
const client = new pg.Client({ connectionString: postgres.dsn });
const receiver = await startReceiver();
const rows: [what: string, found: string, target: string, isKept: boolean][] = [];
const { signal } = new AbortController();
let sent = 0;
try {
  await migrate(postgres.dsn, { log });
  await client.connect();
  const file = join(data.path, "config.yaml");
  const websites = Object.fromEntries(urls.map((url) => [url, { frequency, timeout: 30 }]));
  await writeFile(
    file,
    JSON.stringify({
      websites,
      kafka: { monitoring: { bootstrap_servers: kafka.brokers } },
      database: { dsn: postgres.dsn },
      alerts: { channels: { hook: { type: "webhook", url: receiver.url } } },
    }),
    { mode: 0o600 },
  );
  const config = loadConfig(file, { mode: "alerts", cwd: data.path });
  const sender = createSender(createKafka(config.kafka, "bench", log), config.kafka, log);
  const alerts = await startProgram("alerts", file, data.path);
  void alerts.process.exited.then(async (code) => {
    if (code !== 0) console.error((await endedByItself(alerts)).message);
  });
  try {
    console.error(`${sites} sites become known`);
    for (const _ of Array(2)) await publish(sender, allSites("up"));
    await waitFor(
      "all sites to be up",
      async () => await count("site_states") === sites,
      PATIENCE_MS,
    );
    await waitFor("all to be read", async () => await lag() === 0, PATIENCE_MS);
    await steady(alerts, sender);
    await outage(alerts, sender);
  } finally {
    await alerts.process.stop("SIGTERM", 10_000);
    await sender.close();
  }
} finally {
  await client.end();
  await receiver.close();
  await stack.stop();
}
console.log("| what | found | target | |\n| -- | -: | -: | -- |");
for (const [what, found, target, isKept] of rows) {
  console.log(`| ${what} | ${found} | ${target} | ${target && (isKept ? "kept" : "MISSED")} |`);
}
Deno.exit(rows.every(([, , , isKept]) => isKept) ? 0 : 1);

/** So many results a second; what the alerter takes of a core meanwhile, and how far behind it is then. */
async function steady(alerts: Program, sender: Sender): Promise<void> {
  console.error(`${rate} results a second for ${seconds} s`);
  const [before, start] = [used(alerts), performance.now()];
  const all = allSites("up");
  let n = 0;
  for (let tick = 1; tick <= seconds * 1_000 / TICK_MS; tick++) {
    await sleep(systemClock, start + tick * TICK_MS - performance.now());
    const due = Math.floor(rate * tick * TICK_MS / 1_000);
    const batch = Array.from({ length: due - n }, () => {
      const [url, agent] = all[n % all.length]!;
      return [url, agent, ++n % BLIP === 0 ? "down" : "up"] as const;
    });
    await publish(sender, batch);
  }
  const took = (performance.now() - start) / 1_000;
  const [after, lagging, decided] = [used(alerts), await lag(), await decidedS()];
  const share = (after.alerter - before.alerter) / took;
  row("of a core, the alerter", percent(share), `< ${percent(TARGET.core)}`, share < TARGET.core);
  row("of a core, PostgreSQL", percent((after.database - before.database) / took));
  row("results a second, published", (n / took).toFixed(0));
  row(
    "results not read at the end",
    String(lagging),
    `< ${TARGET.lagS} s of them`,
    lagging < TARGET.lagS * rate,
  );
  row(
    "decided on, behind now",
    `${decided.toFixed(1)} s`,
    `< ${TARGET.lagS} s`,
    decided < TARGET.lagS,
  );
}

/** Three failures in a row of each site from each location, all at once. */
async function outage(alerts: Program, sender: Sender): Promise<void> {
  console.error("all of them go down");
  const [before, messages] = [used(alerts), receiver.count()];
  const start = performance.now();
  const since = () => `${((performance.now() - start) / 1_000).toFixed(1)} s`;
  const steps: Record<string, () => Promise<boolean> | boolean> = {
    "all results read": async () => await lag() === 0,
    "all incidents stored": async () => await count("incidents") >= sites,
    "all of them told": () =>
      receiver.told.size >= sites &&
      [...receiver.told.values()].every((event) => event === "opened"),
  };
  for (const _ of Array(3)) await publish(sender, allSites("down"));
  row("outage: all results published after", since());
  for (const [what, isDone] of Object.entries(steps)) {
    await waitFor(what, isDone, PATIENCE_MS, 100);
    const isLast = what === "all of them told";
    const isKept = performance.now() - start < TARGET.toldS * 1_000;
    row(`outage: ${what} after`, since(), isLast ? `< ${TARGET.toldS} s` : "", !isLast || isKept);
  }
  const after = used(alerts);
  const incidents = await count("incidents");
  row("outage: incidents", String(incidents), String(sites), incidents === sites);
  row("outage: messages", String(receiver.count() - messages));
  row("outage: CPU time of the alerter", `${(after.alerter - before.alerter).toFixed(1)} s`);
  row("outage: CPU time of PostgreSQL", `${(after.database - before.database).toFixed(1)} s`);
}

function row(what: string, found: string, target = "", isKept = true): void {
  rows.push([what, found, target, isKept]);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

type Due = readonly [url: string, agent: typeof AGENTS[number], verdict: "up" | "down"];

/** What one site is to its agents comes together, as they check it at about the same time. */
function allSites(verdict: "up" | "down"): Due[] {
  return urls.flatMap((url) => AGENTS.map((agent): Due => [url, agent, verdict]));
}

async function publish(sender: Sender, due: readonly Due[]): Promise<void> {
  for (let n = 0; n < due.length; n += BATCH) {
    const batch = due.slice(n, n + BATCH).map((one) => {
      sent++;
      return { key: one[0], value: encode(resultOf(...one)) };
    });
    // As an agent does: a partition of a new topic may have no leader yet.
    await retryUntil("Publishing", () => sender.send(batch), {
      clock: systemClock,
      log,
      signal,
      isPassing,
    });
  }
}

/** As an agent sends it, with all that it knows. */
function resultOf(url: string, agent: Due[1], verdict: Due[2]): ResultMessage {
  const isUp = verdict === "up";
  const host = URL.parse(url)!.host.replace(".example", "");
  return {
    ...agent,
    ts: formatTimestamp(BigInt(Date.now()) * 1_000n + BigInt(sent % 1_000)),
    url,
    regexResult: null,
    responseCode: isUp ? 200 : 503,
    responseTime: 40 + sent % 100,
    errorMessage: null,
    verdict,
    ...!isUp && {
      reason: "status",
      evidence: {
        statusLine: "HTTP/1.1 503 Service Unavailable",
        headers: { "content-type": "text/html", "retry-after": "120" },
        body: "<html><body>Out of service</body></html>".repeat(20),
      },
    },
    frequency,
    phases: { dns: 0.4, connect: 9.1, tls: 14.2, firstByte: 16.3, download: 0.7 },
    bodyBytes: 12_345,
    bodyTruncated: false,
    remoteAddress: `192.0.2.${Number(host) % 250}`,
    httpVersion: "1.1",
    tls: {
      version: "TLSv1.3",
      cipher: "TLS_AES_128_GCM_SHA256",
      verified: true,
      error: null,
      expiresAt: "2027-08-01 12:00:00.000000",
      fingerprint: `${10 + Number(host) % 90}:`.repeat(31) + "00",
    },
    siteLabels: { group: `group ${Number(host) % 10}` },
  };
}

async function value(sql: string): Promise<number> {
  const { rows: [row] } = await client.query(`SELECT (${sql})::float8 AS value`);
  return row.value ?? 0;
}

function count(table: string): Promise<number> {
  return value(`SELECT count(*) FROM ${table}`);
}

/** Results that were published and are not read; some may have been published twice. */
async function lag(): Promise<number> {
  const read = "SELECT sum(next_offset) FROM consumer_offsets WHERE consumer = 'alerts'";
  return Math.max(0, sent - await value(read));
}

/** Up to how long ago all is decided. */
function decidedS(): Promise<number> {
  return value("SELECT extract(epoch FROM now()) - now / 1000.0 FROM alert_rounds");
}

/** CPU time of the alerter, and of PostgreSQL, seconds. */
function used({ process }: Program): { alerter: number; database: number } {
  return { alerter: usageOf(process.pid).cpu, database: cpuOfFamily(postgres.pid) };
}
