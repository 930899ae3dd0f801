/**
 * Arguments to mode to exit code. Each mode's code is imported when it is asked for, so that `--help`
 * needs no config and no network.
 */
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Config } from "./config/types.ts";
import { parseCommand, type RunCommand } from "./runtime/cli/cli.ts";
import { systemClock } from "./runtime/clock.ts";
import { EXIT, type ExitCode, UsageError } from "./runtime/cli/exit_codes.ts";
import { helpText } from "./runtime/cli/help.ts";
import { type HangUps, listenForHangUps, noHangUps } from "./runtime/hang_up.ts";
import type { ModeContext } from "./runtime/cli/mode_context.ts";
import { type Mode, RELOADING_MODES } from "./runtime/cli/modes.ts";
import { shutdownOn, STOP_SIGNALS } from "./runtime/shutdown.ts";
import { VERSION } from "./runtime/cli/version.ts";

/** Does what the arguments ask for. @param endNow Exits, where somebody asks for it a second time */
export async function main(args: readonly string[], endNow: () => void): Promise<ExitCode> {
  try {
    const command = parseCommand(args, (name) => process.env[name]);
    switch (command.kind) {
      case "help":
        console.log(helpText(command.mode));
        return EXIT.done;
      case "version":
        console.log(`httpmon ${VERSION}`);
        return EXIT.done;
      case "run":
        return await run(command, endNow);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`httpmon: ${error.message}`);
    return EXIT.usage;
  }
}

/** A mode that reads the config. */
type ConfiguredMode = Exclude<Mode, "import">;

async function run(command: RunCommand, endNow: () => void): Promise<ExitCode> {
  const { mode } = command;
  if (mode === "import") {
    return (await import("./importers/mode.ts")).importMode(command.options, personsFolder());
  }
  if (command.options.hashPassword) {
    return await (await import("./web/access/hash_password_mode.ts")).hashPasswordMode();
  }
  const known = { ...command, mode };
  if (!RELOADING_MODES.has(mode)) return await runMode(known, endNow, STOP_SIGNALS, noHangUps);
  const hangUps = listenForHangUps(process);
  try {
    const signals = STOP_SIGNALS.filter((name) => name !== "SIGHUP");
    return await runMode(known, endNow, signals, hangUps);
  } finally {
    hangUps.dispose();
  }
}

async function runMode(
  { mode, configPath, isConfigNamed, options }: RunCommand & { mode: ConfiguredMode },
  endNow: () => void,
  stopSignals: readonly string[],
  { onHangUp }: HangUps,
): Promise<ExitCode> {
  const cwd = personsFolder();
  const { loadConfig } = await import("./config/load.ts");
  // One check of a URL needs no config; one that is named, or is in its usual place, counts.
  const isOptional = mode === "check" && !isConfigNamed;
  const config = loadConfig(configPath, { mode: options.as ?? mode, cwd, isOptional });
  const { createLogger } = await import("./runtime/log/log.ts");
  const isTerminal = process.stderr.isTTY === true;
  const log = createLogger(config, mode, {
    pretty: (options.log ?? (isTerminal ? "pretty" : "json")) === "pretty",
    colour: isTerminal && !process.env.NO_COLOR,
  });
  if (RELOADING_MODES.has(mode)) {
    log.notice(
      { version: VERSION, config: configPath, ...await placesOf(config, mode) },
      "Starting",
    );
  }
  const { signal, dispose } = shutdownOn(process, systemClock, endNow, stopSignals);
  try {
    const configSource = { file: configPath, cwd };
    const context = { config, configSource, options, clock: systemClock, log, signal, onHangUp };
    return await (await modeFunction(mode))(context);
  } finally {
    dispose();
  }
}

/** What a mode that goes on works with. */
async function placesOf({ kafka, agent, database }: Config, mode: Mode): Promise<object> {
  const { bootstrapServers, topic } = kafka;
  const ofKafka = mode === "web" ? {} : { brokers: bootstrapServers.join(","), topic };
  if (mode === "agent") return { ...ofKafka, state: agent.stateDir };
  if (!database) return ofKafka;
  const { parseDsn } = await import("./runtime/dsn.ts");
  const { host, port, dbname } = parseDsn(database.dsn);
  return { ...ofKafka, database: { host, port, dbname } };
}

async function modeFunction(
  mode: ConfiguredMode,
): Promise<(context: ModeContext) => Promise<ExitCode>> {
  switch (mode) {
    case "agent":
      return (await import("./agent/mode.ts")).agentMode;
    case "writer":
      return (await import("./writer/mode.ts")).writerMode;
    case "alerts":
      return (await import("./alerts/mode.ts")).alertsMode;
    case "silence":
      return (await import("./alerts/silence_mode.ts")).silenceMode;
    case "web":
      return (await import("./web/mode.ts")).webMode;
    case "init-schema":
      return (await import("./db/schema/init_schema_mode.ts")).initSchemaMode;
    case "dbdump":
      return (await import("./db/dump/mode.ts")).dumpMode;
    case "maintain":
      return (await import("./db/history/mode.ts")).maintainMode;
    case "restore":
      return (await import("./db/restore/restore_mode.ts")).restoreMode;
    case "replay":
      return (await import("./db/restore/replay_mode.ts")).replayMode;
    case "report":
      return (await import("./db/report/mode.ts")).reportMode;
    case "check":
      return (await import("./agent/by_hand/check_mode.ts")).checkMode;
    case "check-config":
      return checkConfig;
  }
}

/** Mode "check-config", which may need what all others do. */
async function checkConfig(context: ModeContext): Promise<ExitCode> {
  const { config: { kafka, database }, options, clock, log } = context;
  const { checkConfigMode } = await import("./agent/by_hand/check_config_mode.ts");
  const { usesSection } = await import("./config/mode_parts.ts");
  // An agent's config alone has no database.
  const as = options.as ?? (database ? null : "agent");
  const uses = (name: string) => as === null || usesSection(as, name);
  return await checkConfigMode(context, [
    async function* () {
      if (!uses("kafka")) return;
      const { createKafka } = await import("./kafka/client.ts");
      const { reachKafka } = await import("./kafka/reach.ts");
      const group = as === "alerts" ? kafka.alertsGroup : kafka.consumerGroup;
      yield* reachKafka(createKafka(kafka, "httpmon-check-config", log), kafka, {
        publishes: as === "agent",
        group: as === "agent" ? null : group,
      }, clock);
    },
    async function* () {
      if (!database || !uses("database")) return;
      const { createPool, READ_ONLY } = await import("./db/connect/pool.ts");
      const { reachDatabase } = await import("./db/connect/reach.ts");
      const applicationName = "httpmon-check-config";
      const dsn = as === "web" ? database.readerDsn ?? database.dsn : database.dsn;
      const pool = createPool(dsn, { max: 1, applicationName, session: READ_ONLY, log });
      try {
        yield* reachDatabase(pool, as);
      } finally {
        await pool.end();
      }
    },
  ]);
}

/**
 * Where the person stood: a task runs in the project's folder and says in INIT_CWD where it was
 * called from.
 */
function personsFolder(): string {
  const cwd = process.cwd();
  const called = process.env.INIT_CWD;
  const fromTask = called && import.meta.url.startsWith("file:") &&
    dirname(fileURLToPath(import.meta.url)) === cwd;
  return fromTask ? called : cwd;
}
