import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Config, Site } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ConfigSource } from "../../runtime/cli/mode_context.ts";
import type { AgentStats } from "../stats.ts";
import { ConfigLoader } from "./config_loader.ts";
import { stateOfFiles, watchFiles } from "./file_watch.ts";

interface ReloadDeps {
  /** What the agent started with. */
  config: Config;
  configSource: ConfigSource;
  clock: Clock;
  log: Logger;
  stats: AgentStats;
  /** Asks the agent to stop; nothing is taken over after. */
  signal: AbortSignal;
  /** @default a new one */
  loader?: ConfigLoader;
}

/** When to reload, and how what was loaded is taken over. */
interface ReloadWays {
  replaceSites: (sites: readonly Site[], config: Config) => void;
  /** Calls `run` at each SIGHUP; gives the end of it. */
  onHangUp: (run: () => void) => () => void;
  /** Whether to reload, too, when the config's file changes. */
  watch: boolean;
}

/**
 * Takes over a changed config while the agent runs: whole, or if anything in it is wrong, not at all.
 * Sites that are the same keep their places in the schedule. What an agent reads at its start alone
 * stays as it was, and is logged.
 */
export class Reloads {
  readonly #deps: ReloadDeps;
  readonly #loader: ConfigLoader;
  #sites: readonly Site[];
  #replaceSites: ReloadWays["replaceSites"] = () => {};
  #running: Promise<void> | null = null;
  #askedAgain = false;
  #closed = false;
  #endHangUps = () => {};
  #endWatch = () => {};
  /** Where included files are looked for. */
  #patterns: readonly string[];

  constructor(deps: ReloadDeps) {
    this.#deps = deps;
    this.#loader = deps.loader ?? new ConfigLoader();
    this.#sites = deps.config.sites;
    this.#patterns = deps.config.includePatterns;
  }

  /** From now on the config is taken over. */
  begin({ replaceSites, onHangUp, watch }: ReloadWays): void {
    this.#replaceSites = replaceSites;
    this.#endHangUps = onHangUp(() => void this.reload());
    if (!watch) return;
    const { configSource: { file, cwd }, clock } = this.#deps;
    const path = resolve(cwd, file);
    const before = stateOfFiles(path, this.#patterns);
    const look = () => this.#loader.look(path, this.#patterns);
    this.#endWatch = watchFiles(before, look, () => void this.reload(), clock);
  }

  /**
   * Takes over the config as it is now. Asked while it does so, it does so once more. Resolves when it
   * is done with all that was asked; never rejects.
   */
  reload(): Promise<void> {
    this.#askedAgain = true;
    this.#running ??= this.#work().finally(() => this.#running = null);
    return this.#running;
  }

  /** Nothing is taken over after. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endHangUps();
    this.#endWatch();
    await this.#loader.close();
    await this.#running;
  }

  async #work(): Promise<void> {
    while (this.#askedAgain && !this.#isOver()) {
      this.#askedAgain = false;
      await this.#once();
    }
  }

  async #once(): Promise<void> {
    const { configSource, clock, log, stats } = this.#deps;
    const { file } = configSource;
    const start = clock.monotonic();
    try {
      const loaded = await this.#loader.load(configSource, this.#sites);
      if (this.#isOver()) return;
      if (!loaded.ok) {
        stats.recordReload("refused");
        const { problems } = loaded;
        log.error(
          { file, problems },
          "The new config is wrong; the agent goes on with the old one",
        );
        return;
      }
      const { config, changes } = loaded;
      this.#sites = config.sites;
      // Other ones look like a change of the files, so that what came between is loaded then.
      this.#patterns = config.includePatterns;
      this.#replaceSites(config.sites, config);
      stats.recordReload("applied");
      const ms = Math.round(clock.monotonic() - start);
      log.notice(
        { file, sites: config.sites.length, ...changes, ms },
        "The new config is taken over",
      );
      const keys = restartNeededFor(this.#deps.config, config);
      if (keys.length > 0) {
        log.error({ file, keys }, "What changed at these keys of the config needs a restart");
      }
    } catch (error) {
      if (this.#isOver()) return;
      stats.recordReload("refused");
      log.error(
        { file, error },
        "The new config was not loaded; the agent goes on with the old one",
      );
    }
  }

  #isOver(): boolean {
    return this.#closed || this.#deps.signal.aborted;
  }
}

/** The parts of a config that an agent reads at its start alone. */
type AtStart = Pick<Config, "kafka" | "agent">;

/** Keys of the YAML that are not the field's name in snake case. */
const YAML_KEYS: Readonly<Record<string, string>> = {
  tls: "ssl_*",
  sasl: "sasl_*",
  outboxMaxAgeMs: "outbox_max_age_hours",
};

/**
 * The keys of the YAML that differ and that only a restart takes over, in the order of the config;
 * never a value, as some are secret.
 */
export function restartNeededFor(before: AtStart, after: AtStart): string[] {
  return [
    ...changedKeys(before.kafka, after.kafka).map((key) => `kafka.monitoring.${key}`),
    ...changedKeys(before.agent, after.agent).map((key) => `agent.${key}`),
  ];
}

function changedKeys<T extends object>(before: T, after: T): string[] {
  return (Object.keys(before) as (keyof T & string)[])
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => YAML_KEYS[field] ?? field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`));
}
