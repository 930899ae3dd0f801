import type { ConfigFor } from "../../config/mode_parts.ts";
import { loadConfig } from "../../config/load.ts";
import type { Mode } from "../../runtime/cli/modes.ts";

/** The config that a file with this content (JSON is YAML) would give, through the real loading. */
export function loadedConfig<M extends Mode>(mode: M, content: unknown): ConfigFor<M> {
  return loadConfig("config.yaml", {
    mode,
    env: {},
    readFile: () => Buffer.from(JSON.stringify(content)),
  });
}
