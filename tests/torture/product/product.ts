import { createWriteStream, type WriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { ROOT } from "../../../scripts/build/project.ts";
import { denoEnv, taskCommand } from "../../support/program/task_command.ts";
import { until, waitedForCore } from "../patience.ts";

/** Entries of the log, failpoints, and what Deno says where two start at once. */
const EXPECTED = /^(\{.*\}|failpoint .*|Blocking waiting for file lock .*|)$/;

export interface ProductOptions {
  mode: "agent" | "writer" | "alerts" | "init-schema" | "maintain";
  /** The folder with config.yaml, where it is started. */
  cwd: string;
  /** Takes what it prints. */
  log: string;
  /** Added to the little that Deno needs. */
  env?: Readonly<Record<string, string>>;
  /** Arguments of `deno run` before the program's own. */
  denoArgs?: readonly string[];
  /** The program's sources, with a slash at the end. @default the project's */
  root?: string;
}

/** Has a process's wall clock be so far ahead. */
export function clockAhead(ms: number): Pick<ProductOptions, "env" | "denoArgs"> {
  return ms === 0 ? {} : {
    env: { TORTURE_CLOCK_SHIFT_MS: String(ms) },
    denoArgs: ["--preload", fileURLToPath(new URL("./shifted_clock.ts", import.meta.url))],
  };
}

/** How long a process had waited for a core by then. */
export interface Waited {
  /** Milliseconds since 1970. */
  at: number;
  ms: number;
}

/** A process of the product, started by its task's command. */
export class Product {
  readonly mode: string;
  readonly startedAt = Date.now();
  readonly #child: Deno.ChildProcess;
  readonly #file: WriteStream;
  readonly #ended: Promise<void>;
  /** What it printed so far. */
  readonly lines: string[] = [];
  #code: number | null = null;
  /** When it said that it runs, if it did; milliseconds since 1970. */
  readyAt: number | null = null;
  /** When a signal that ends it went out, if one did while it ran; milliseconds since 1970. */
  endedAt: number | null = null;
  /** That signal was SIGKILL. */
  killed = false;
  /** How long it had waited for a core, looked at again and again. */
  readonly waits: Waited[] = [];

  constructor({ mode, cwd, log, env = {}, denoArgs = [], root = ROOT }: ProductOptions) {
    this.mode = mode;
    const [file, run, ...args] = taskCommand(mode).map((word) => word.replace(ROOT, root));
    this.#child = new Deno.Command(file!, {
      args: [run!, ...denoArgs, ...args, "-c", "config.yaml"],
      cwd,
      env: { ...denoEnv(), ...env },
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#file = createWriteStream(log, { flags: "a" });
    this.#ended = this.#follow();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get runs(): boolean {
    return this.#code === null;
  }

  /** What is wrong with how it ended or with what it printed, or null. */
  get trouble(): string | null {
    const stray = this.lines.find((line) => !EXPECTED.test(stripVTControlCharacters(line)));
    if (stray !== undefined) return `${this.mode} printed "${stray.slice(0, 200)}"`;
    if (this.#code === null || this.killed) return null;
    if (this.endedAt === null) return `${this.mode} ended by itself with ${this.#code}`;
    return this.#code === 0 ? null : `${this.mode} was asked to stop and ended with ${this.#code}`;
  }

  /** Whether it stands at a failpoint, or stood. */
  get held(): boolean {
    return this.lines.some((line) => line.startsWith("failpoint "));
  }

  async reachesFailpoint(): Promise<void> {
    await until(`${this.mode} at its failpoint`, () => {
      if (!this.runs) throw new Error(`${this.mode} ended with ${this.#code}`);
      return this.held;
    });
  }

  /** How many lines with one of `texts` it has printed. */
  times(...texts: string[]): number {
    return this.lines.filter((line) => texts.some((text) => line.includes(text))).length;
  }

  signal(name: Deno.Signal): void {
    if (!this.runs) return;
    if (name === "SIGKILL" || name === "SIGTERM") this.endedAt ??= Date.now();
    if (name === "SIGKILL") this.killed = true;
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    await this.lookAtWaits();
    this.signal("SIGKILL");
    await this.#ended;
  }

  /** Asks it to stop. One that does not counts as a failure, and is killed. */
  async stop(): Promise<string | null> {
    this.signal("SIGTERM");
    try {
      await this.#hasEnded();
    } catch (error) {
      await this.kill();
      return (error as Error).message;
    }
    return this.trouble;
  }

  #hasEnded(): Promise<void> {
    return until(`the end of the ${this.mode}`, () => !this.runs);
  }

  async succeeds(): Promise<void> {
    await this.#hasEnded();
    if (this.#code !== 0) throw new Error(`${this.mode} failed:\n${this.lines.join("\n")}`);
  }

  async lookAtWaits(): Promise<void> {
    const at = Date.now();
    this.waits.push({ at, ms: await waitedForCore(this.pid) });
  }

  /** The most bytes of memory that it held so far; null where that cannot be told. */
  async memory(): Promise<number | null> {
    const status = await readFile(`/proc/${this.pid}/status`, "utf8").catch(() => "");
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  }

  async #follow(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#file.write(text);
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
      if (lines.some((line) => line.includes(`"The ${this.mode} runs"`))) {
        this.readyAt ??= Date.now();
      }
    }
    this.#code = (await this.#child.status).code;
    await new Promise<void>((resolve) => this.#file.end(() => resolve()));
  }
}
