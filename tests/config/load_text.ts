import { loadConfig, type LoadOptions } from "../../config/load.ts";
import type { Site } from "../../config/types.ts";
import type { Mode } from "../../runtime/cli/modes.ts";

/** Loads `text` as if it were in the file "config.yaml", other files being those of `files`. */
export function loadText<M extends Mode>(
  text: string,
  options: LoadOptions<M> = {},
  files: Record<string, string> = {},
) {
  const all: Record<string, string> = { "/etc/httpmon/config.yaml": text, ...files };
  return loadConfig("config.yaml", {
    cwd: "/etc/httpmon",
    env: {},
    readFile: (path) => {
      const content = all[path];
      if (content === undefined) throw Object.assign(new Error("no"), { code: "ENOENT" });
      return new TextEncoder().encode(content);
    },
    ...options,
  });
}

/** A site of which nothing but the URL is said. */
export function defaultSite(url: string): Site {
  return { ...loadText("loglevel: ERROR").siteDefaults, name: null, url, requestUrl: url };
}
