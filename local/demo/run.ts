import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import pg from "pg";
import type { Clock } from "../../runtime/clock.ts";
import { EXIT, type ExitCode } from "../../runtime/cli/exit_codes.ts";
import { VERSION } from "../../runtime/cli/version.ts";
import { dataFolder } from "../data_folder.ts";
import { quietKafka } from "../kafka/client.ts";
import { freePort } from "../ports.ts";
import { startSites } from "../sites.ts";
import { DEMO_TOPIC, ownConfig, sampleConfig } from "./config.ts";
import type { DemoOptions } from "./options.ts";
import { endedByItself, type Program, startProgram } from "./programs.ts";
import type { Screen } from "./show/screen.ts";
import { Servers } from "./servers.ts";
import { StatusReader } from "./show/status.ts";
import { startReceiver } from "./receiver.ts";
import { isGood, printSummary } from "./show/summary.ts";
import { topicEnds } from "./topic_reader.ts";
import { waitFor } from "../wait.ts";
import { firstRow, throwIfEnded, watch } from "./watch.ts";
import { windDown } from "./wind_down.ts";

const WEB_MS = 120_000;

const ALERTER_STOP_MS = 15_000;

/** What the demo is handed. */
export interface DemoDeps {
  screen: Screen;
  clock: Clock;
  /** Asks to stop: the agent flushes, the writer drains, the summary is printed. */
  signal: AbortSignal;
  /** Where the person stood. */
  cwd: string;
}

/**
 * Brings Kafka, PostgreSQL, sample sites, an agent and a writer up, shows what they do, stops them in
 * order and compares the topic with the tables.
 *
 * @returns 0, or 1 if a result was lost or is there twice
 * @throws {ConfigError} For a config of the person's own
 */
export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<ExitCode> {
  const { screen, clock, signal, cwd } = deps;
  if (options.config !== null) checkEarly(options.config, cwd);
  screen.print(screen.paint("bold", `httpmon ${VERSION} demo`));

  await using cleanup = new AsyncDisposableStack();
  const data = await dataFolder(options.data === null ? undefined : resolve(cwd, options.data));
  const servers = cleanup.use(new Servers(data, screen));
  const dsn = await servers.startPostgres();
  if (signal.aborted) return EXIT.done;
  const brokers = await servers.startBroker();
  if (signal.aborted) return EXIT.done;

  const ports = { web: await freePort(), agent: await freePort(), writer: await freePort() };
  const places = { brokers, dsn, stateDir: join(data.path, "agent"), ports };
  const samples = options.config === null ? await startSites(join(data.path, "sites")) : null;
  cleanup.defer(async () => await samples?.close());
  // Of a person's own sites nobody is told: their channels are for when it is meant.
  const receiver = samples && await startReceiver();
  cleanup.defer(async () => await receiver?.close());
  const config = samples && receiver
    ? sampleConfig(samples.sites, places, receiver.url)
    : ownConfig(options.config!, cwd, places);
  const configFile = join(data.path, "config.yaml");
  // The DSN in it has a password.
  await writeFile(configFile, config.text, { mode: 0o600 });

  await screen.step("Tables", async () => {
    const initSchema = await startProgram("init-schema", configFile, data.path);
    if (await initSchema.process.exited !== 0) throw await endedByItself(initSchema);
    return "made by init-schema";
  });
  if (signal.aborted) return EXIT.done;

  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  cleanup.defer(() => client.end());
  const kafka = quietKafka(brokers);
  const admin = kafka.admin();
  await admin.connect();
  cleanup.defer(() => admin.disconnect());
  const begin = { at: new Date(), ends: await topicEnds(admin, DEMO_TOPIC) };

  const start = async (mode: Program["mode"]) => {
    const program = await startProgram(mode, configFile, data.path);
    cleanup.defer(() => program.process.stop("SIGKILL", 0));
    return program;
  };
  const writer = await start("writer");
  const agent = await start("agent");
  const dashboard = await start("web");
  const startedAt = clock.monotonic();
  const endAt = startedAt + (options.seconds ?? Infinity) * 1000;
  const reader = new StatusReader(client, admin, config.sites, begin, receiver);
  const programs = [writer, agent, dashboard];
  const watched = {
    reader,
    programs,
    clock,
    signal,
  };
  await screen.step("Agent and writer", () => firstRow(watched));
  const alerter = receiver && await start("alerts");
  if (alerter) programs.push(alerter);
  const address = `http://127.0.0.1:${ports.web}/`;
  await screen.step("Dashboard", async () => {
    const isThere = async () => {
      await throwIfEnded(programs);
      return await answers(address);
    };
    await waitFor("the dashboard answers", isThere, WEB_MS);
    return address;
  });
  const hints = [
    "Ctrl-C ends it in order. To look inside meanwhile:",
    `${address}, for the public ${address}status`,
    `psql ${dsn}`,
    "  SELECT * FROM results ORDER BY ts DESC LIMIT 10;",
    "  SELECT site, state, since FROM httpmon_sites_now();",
  ];
  if (!screen.isTerminal) { for (const hint of hints) screen.print(`    ${hint}`); }

  await watch(watched, screen, { start: startedAt, endAt }, hints);
  const seconds = (clock.monotonic() - startedAt) / 1000;
  screen.print();
  await alerter?.process.stop("SIGTERM", ALERTER_STOP_MS);
  const running = { agent, writer, kafka, admin, client, begin: begin.ends, screen, clock };
  const outcome = { seconds, ...await windDown(running) };
  printSummary(screen, outcome);
  if (data.kept) screen.print(`\nThe data, the logs and the config are in "${data.path}"`);
  return isGood(outcome) ? EXIT.done : EXIT.failed;
}

async function answers(address: string): Promise<boolean> {
  const response = await fetch(address).catch(() => null);
  await response?.body?.cancel();
  return response?.ok ?? false;
}

/** What is wrong with the person's config is said before anything starts. */
function checkEarly(file: string, cwd: string): void {
  const brokers = ["127.0.0.1:9092"];
  const ports = { web: 0, agent: 0, writer: 0 };
  ownConfig(file, cwd, { brokers, dsn: "postgres://127.0.0.1/demo", stateDir: "state", ports });
}
