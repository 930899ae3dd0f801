import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import pg from "pg";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { EXIT, type ExitCode } from "../../runtime/exit_codes.ts";
import { VERSION } from "../../runtime/version.ts";
import { dataFolder } from "../data_folder.ts";
import { quietKafka } from "../kafka_client.ts";
import { startSites } from "../sites.ts";
import { type Audit, auditTables } from "./audit.ts";
import { DEMO_TOPIC, type DemoConfig, type DemoPlaces, ownConfig, sampleConfig } from "./config.ts";
import { agentCounts, readLog, troubleIn } from "./logs.ts";
import type { DemoOptions } from "./options.ts";
import { endedByItself, type Program, startProgram } from "./programs.ts";
import type { Screen } from "./screen.ts";
import { Servers } from "./servers.ts";
import { drawStatus, type Status, statusLine, StatusReader } from "./status.ts";
import { lostInAll, type Outcome, printSummary } from "./summary.ts";
import { renderTable } from "./table.ts";
import { readTopic, topicEnds, type TopicRecord } from "./topic_reader.ts";

const FIRST_RESULT_MS = 60_000;
const REFRESH_MS = 500;
/** Between two lines where there is no terminal. */
const PLAIN_MS = 5_000;
const AGENT_STOP_MS = 20_000;
const READ_MS = 60_000;
const DRAIN_MS = 30_000;

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
  const { screen, signal, cwd } = deps;
  if (options.config !== null) checkEarly(options.config, cwd);
  screen.print(screen.paint("bold", `httpmon ${VERSION} demo`));

  await using cleanup = new AsyncDisposableStack();
  const data = await dataFolder(options.data === null ? undefined : resolve(cwd, options.data));
  const servers = cleanup.use(new Servers(data, screen));
  const dsn = await servers.startPostgres();
  if (signal.aborted) return EXIT.done;
  const brokers = await servers.startBroker();
  if (signal.aborted) return EXIT.done;
  const places: DemoPlaces = { brokers, dsn, stateDir: join(data.path, "agent") };

  const config = await makeConfig();
  const configFile = join(data.path, "config.yaml");
  await writeFile(configFile, config.text, { mode: 0o600 });
  await screen.step("Tables", () => makeTables(configFile, data.path));
  if (signal.aborted) return EXIT.done;

  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  cleanup.defer(() => client.end());
  const kafka = quietKafka(brokers);
  const admin = kafka.admin();
  await admin.connect();
  cleanup.defer(() => admin.disconnect());
  const begin = { at: new Date(), ends: await topicEnds(admin, DEMO_TOPIC) };

  const programs: Program[] = [];
  for (const mode of ["writer", "agent"] as const) {
    await screen.step(mode === "agent" ? "Agent" : "Writer", async () => {
      const program = await startProgram(mode, configFile, data.path);
      cleanup.defer(() => program.process.stop("SIGKILL", 0));
      programs.push(program);
      return `process ${program.process.pid}`;
    });
  }
  const [writer, agent] = programs as [Program, Program];
  const reader = new StatusReader(client, admin, config.sites, begin);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  await screen.step("First row", () => firstRow(reader, programs, deps));

  await watch();
  const seconds = elapsed();
  screen.print();
  await screen.step("Agent stopped", async () => {
    await agent.process.stop("SIGTERM", AGENT_STOP_MS);
    return `exit code ${await agent.process.exited}`;
  });
  let records: TopicRecord[] = [];
  await screen.step("Topic read", async () => {
    const ends = await topicEnds(admin, DEMO_TOPIC);
    records = await readTopic(kafka, DEMO_TOPIC, begin.ends, ends, READ_MS);
    return `${records.length} records`;
  });
  await screen.step("Writer drained", async () => {
    const { written, deadLetters } = await drained(client, records, deps.clock);
    return `${written} rows, ${deadLetters} dead letters`;
  });
  await screen.step("Writer stopped", async () => {
    await writer.process.stop("SIGTERM", AGENT_STOP_MS);
    return `exit code ${await writer.process.exited}`;
  });

  const outcome = await conclude(seconds, await auditTables(client, DEMO_TOPIC, records), programs);
  printSummary(screen, outcome);
  const failed = await Promise.all(programs.map(({ process }) => process.exited));
  const good = lostInAll(outcome) === 0 && outcome.audit.duplicates === 0 &&
    failed.every((code) => code === 0);
  if (data.kept) screen.print(`\nThe data, the logs and the config are in "${data.path}"`);
  return good ? EXIT.done : EXIT.failed;

  async function makeConfig(): Promise<DemoConfig> {
    if (options.config !== null) return ownConfig(options.config, cwd, places);
    const samples = await startSites(join(data.path, "sites"));
    cleanup.defer(() => samples.close());
    return sampleConfig(samples.sites, places);
  }

  async function watch(): Promise<void> {
    const hints = [`Ctrl-C ends it all in order. Look inside meanwhile: psql "${dsn}"`];
    if (!screen.isTerminal) hints.forEach((hint) => screen.print(`  ${hint}`));
    let nextLine = PLAIN_MS;
    let status: Status;
    do {
      const died = programs.find(({ process }) => process.ended);
      if (died) throw await endedByItself(died);
      status = await reader.read();
      drawStatus(screen, status, elapsed(), hints);
      if (!screen.isTerminal && elapsed() * 1000 >= nextLine) {
        screen.print(statusLine(status, elapsed()));
        nextLine += PLAIN_MS;
      }
      const left = options.seconds === null ? Infinity : (options.seconds - elapsed()) * 1000;
      await sleep(deps.clock, Math.max(0, Math.min(REFRESH_MS, left)), signal);
    } while (!signal.aborted && (options.seconds === null || elapsed() < options.seconds));
    screen.keep();
    if (!screen.isTerminal) {
      const lines = renderTable(
        status.rows,
        { width: screen.width, height: Infinity },
        screen.paint,
      );
      screen.print(["", ...lines].join("\n"));
    }
  }
}

/** What is wrong with the person's config is said before anything starts. */
function checkEarly(file: string, cwd: string): void {
  ownConfig(file, cwd, {
    brokers: ["127.0.0.1:9092"],
    dsn: "postgres://127.0.0.1/demo",
    stateDir: "state",
  });
}

async function makeTables(config: string, folder: string): Promise<string> {
  const program = await startProgram("init-schema", config, folder);
  if (await program.process.exited !== 0) throw await endedByItself(program);
  return "init-schema";
}

async function firstRow(
  reader: StatusReader,
  programs: readonly Program[],
  { clock, signal }: DemoDeps,
): Promise<string> {
  const deadline = clock.monotonic() + FIRST_RESULT_MS;
  while (!signal.aborted) {
    const died = programs.find(({ process }) => process.ended);
    if (died) throw await endedByItself(died);
    if ((await reader.read()).written > 0) return "through Kafka into PostgreSQL";
    if (clock.monotonic() > deadline) throw new Error("No result has come into the tables");
    await sleep(clock, 100, signal);
  }
  return "asked to stop before it came";
}

/** Waits until the tables account for every record, or for as long as a healthy writer needs at most. */
async function drained(
  client: pg.Client,
  records: readonly TopicRecord[],
  clock: Clock,
): Promise<Audit> {
  const deadline = clock.monotonic() + DRAIN_MS;
  while (true) {
    const audit = await auditTables(client, DEMO_TOPIC, records);
    if (audit.lost === 0 || clock.monotonic() > deadline) return audit;
    await sleep(clock, 200);
  }
}

async function conclude(
  seconds: number,
  audit: Audit,
  programs: readonly Program[],
): Promise<Outcome> {
  const outcome: Outcome = { seconds, audit, agent: null, trouble: [] };
  const trouble = [];
  for (const { mode, log } of programs) {
    const lines = await readLog(log);
    if (mode === "agent") outcome.agent = agentCounts(lines);
    trouble.push(...troubleIn(lines).map((line) => ({ ...line, mode })));
  }
  return { ...outcome, trouble };
}
