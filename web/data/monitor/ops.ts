import type { WebDeps } from "../../env.ts";
import { keptFor } from "../kept.ts";

const TIMEOUT_MS = 2_000;
const KEEP_MS = 5_000;

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

/** What asks the processes of `web.ops` for their metrics; who does not answer says why. */
export type Ops = () => Promise<Process[]>;

export function opsOf({ config, fetch, clock }: Pick<WebDeps, "config" | "fetch" | "clock">): Ops {
  return keptFor(clock, KEEP_MS, () => Promise.all(config.web.ops.map((url) => ask(url, fetch))));
}

async function ask(url: string, fetch: WebDeps["fetch"]): Promise<Process> {
  try {
    const response = await fetch(`${url}/metrics`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "error",
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const samples = samplesIn(await response.text());
    const info = samples.find(({ name }) => name === "httpmon_build_info")?.labels ?? "";
    const label = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(info)?.[1] ?? "";
    return {
      url,
      error: null,
      mode: label("mode"),
      version: label("version"),
      value: (metric) => {
        const some = samples.filter(({ name }) => name === metric);
        return some.length === 0 ? null : some.reduce((sum, { value }) => sum + value, 0);
      },
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { url, error: why, mode: "", version: "", value: () => null };
  }
}

/** The samples of Prometheus's text format. */
function samplesIn(text: string): { name: string; labels: string; value: number }[] {
  return [...text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name, labels = "", value]) => ({ name: name!, labels, value: Number(value) }),
  );
}
