import type { Config } from "../config/types.ts";
import type { DumpOptions } from "./cli.ts";
import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";

/** What main.ts hands to every mode. */
export interface ModeContext {
  /** Loaded, with all that the mode needs in it. */
  config: Config;
  options: DumpOptions;
  clock: Clock;
  log: Logger;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  signal: AbortSignal;
}
