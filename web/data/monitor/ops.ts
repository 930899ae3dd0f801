import type { WebDeps } from "../../env.ts";
import { Kept } from "../kept.ts";

const TIMEOUT_MS = 2_000;

/** What a process of httpmon says of itself at its `listen`. */
export interface Process {
  /** Its base URL, as the config has it. */
  url: string;
  /** Why nothing is known of it; null: it answered. */
  error: string | null;
  mode: string;
  version: string;
  /** The value of a metric, all its label sets added up; null where it has none. */
  value: (metric: string) => number | null;
}

type OpsDeps = Pick<WebDeps, "config" | "fetch" | "clock">;

/** The processes of `web.ops` by their metrics; who does not answer says why. */
export function keptProcesses(deps: OpsDeps): Kept<Process[]> {
  return new Kept(
    deps.clock,
    async () =>
      (await askOps(deps, "/metrics", TIMEOUT_MS)).map(({ url, status, text, error }) =>
        processOf(url, text, error ?? (status === 200 ? null : `status ${status}`))
      ),
  );
}

/** What each process of `web.ops` answers to a path; an error where it does not. Never rejects. */
export function askOps(
  { config, fetch }: Pick<OpsDeps, "config" | "fetch">,
  path: string,
  timeoutMs: number,
): Promise<{ url: string; status: number; text: string; error: string | null }[]> {
  return Promise.all(config.web.ops.map(async (url) => {
    try {
      const response = await fetch(url + path, {
        signal: AbortSignal.timeout(timeoutMs),
        redirect: "error",
      });
      return { url, status: response.status, text: await response.text(), error: null };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { url, status: 0, text: "", error: why };
    }
  }));
}

function processOf(url: string, text: string, error: string | null): Process {
  const samples = error === null ? samplesIn(text) : [];
  const info = samples.find(({ name }) => name === "httpmon_build_info")?.labels ?? "";
  const label = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(info)?.[1] ?? "";
  return {
    url,
    error,
    mode: label("mode"),
    version: label("version"),
    value: (metric) => {
      const some = samples.filter(({ name }) => name === metric);
      return some.length === 0 ? null : some.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

/** The samples of Prometheus's text format. */
function samplesIn(text: string): { name: string; labels: string; value: number }[] {
  return [...text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name, labels = "", value]) => ({ name: name!, labels, value: Number(value) }),
  );
}
