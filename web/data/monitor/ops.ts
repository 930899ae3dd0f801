import type { WebDeps } from "../../env.ts";
import { Kept } from "./kept.ts";

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

/** Asks the processes of `web.ops` for their metrics. */
export class Ops {
  readonly #deps: Pick<WebDeps, "config" | "fetch" | "clock">;
  readonly #asked: Kept<Process[]>;

  constructor(deps: Pick<WebDeps, "config" | "fetch" | "clock">) {
    this.#deps = deps;
    this.#asked = new Kept(
      deps.clock,
      () => Promise.all(deps.config.web.ops.map((url) => this.#ask(url))),
    );
  }

  /** Never rejects: who does not answer says why. */
  processes(): Promise<Process[]> {
    return this.#asked.get();
  }

  async #ask(url: string): Promise<Process> {
    try {
      const response = await this.#deps.fetch(`${url}/metrics`, {
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
}

/** The samples of Prometheus's text format. */
function samplesIn(text: string): { name: string; labels: string; value: number }[] {
  return [...text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name, labels = "", value]) => ({ name: name!, labels, value: Number(value) }),
  );
}
