import type { Config } from "../../config/types.ts";
import type { RunOptions } from "./options.ts";
import type { Clock } from "../clock.ts";
import type { HangUps } from "../hang_up.ts";
import type { ProcessLogger } from "../log/log.ts";

/** What program.ts hands to every mode. */
export interface ModeContext {
  /** Loaded, with all that the mode needs in it. */
  config: Config;
  configSource: ConfigSource;
  options: RunOptions;
  clock: Clock;
  log: ProcessLogger;
  /** Aborted by SIGINT and SIGTERM; by SIGHUP, too, in modes that are not told of it. */
  signal: AbortSignal;
  /** Tells of SIGHUP the modes of `RELOADING_MODES`; see HangUps. */
  onHangUp: HangUps["onHangUp"];
}

/** Where the config came from. */
export interface ConfigSource {
  /** As the person named it. */
  file: string;
  /** The folder that `file` is from. */
  cwd: string;
}
