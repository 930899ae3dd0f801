import { assertEquals } from "@std/assert";
import { waitFor } from "../../../local/wait.ts";
import { isOfBusyMachine } from "./busy_machine.ts";

/** How to start a program: the file, its arguments, and all of its environment. */
export interface ProgramOptions {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
}

/** A program under test, with all that it printed. */
export class Program implements AsyncDisposable {
  /** Standard error, so far. */
  stderr = "";
  readonly #what: string;
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<void>;
  #code: number | null = null;

  constructor({ command: [file, ...args], cwd, env }: ProgramOptions) {
    this.#what = [file, ...args].join(" ");
    this.#child = new Deno.Command(file!, {
      args,
      cwd,
      env: { ...env },
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#ended = this.#follow();
  }

  async #follow(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.stderr += text;
    }
    this.#code = (await this.#child.status).code;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Fails if the program has ended. */
  assertRuns(): void {
    if (this.#code !== null) throw this.#failure(`ended with ${this.#code}`);
  }

  /** Waits until it ends by itself; fails unless it does so with 0. */
  async succeeds(ms: number): Promise<void> {
    await this.#endsWith(0, ms);
  }

  /** Waits until it ends by itself; fails unless it does so with this exit code. */
  async fails(code: number, ms: number): Promise<void> {
    await this.#endsWith(code, ms);
  }

  async #endsWith(code: number, ms: number): Promise<void> {
    await waitFor(`the end of "${this.#what}"`, () => this.#code !== null, ms);
    if (this.#code !== code) throw this.#failure(`ended with ${this.#code}`);
  }

  signal(name: Deno.Signal): void {
    this.assertRuns();
    this.#child.kill(name);
  }

  /** Asks it to stop as a service manager does; fails unless it then ends with 0. */
  async stops(ms: number): Promise<void> {
    this.signal("SIGTERM");
    await this.succeeds(ms);
  }

  /** Ends it as a crash of the machine would, without a chance to tidy up. */
  async killed(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  /**
   * Fails if it printed anything but log lines, or a line at WARN or above that is of more than a
   * machine too busy to let it run.
   */
  assertCalmLog(): void {
    const lines = this.stderr.split("\n").filter((line) => line !== "");
    assertEquals(lines.filter((line) => !isCalm(line)), [], this.#what);
  }

  /** The lines that it logged at ERROR or above. */
  errorLines(): string[] {
    return this.stderr.split("\n").filter((line) => /"level":"(error|critical)"/.test(line));
  }

  /** The fields of the last line that it logged with this message. */
  lastLogLine(message: string): Record<string, unknown> {
    const lines = this.stderr.split("\n").filter((line) => line.startsWith("{"));
    const found = lines.map((line) => JSON.parse(line)).findLast((line) => line.msg === message);
    if (!found) throw this.#failure(`did not log "${message}"`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#ended;
  }

  #failure(how: string): Error {
    return new Error(`"${this.#what}" ${how}, having printed:\n${this.stderr}`);
  }
}

function isCalm(line: string): boolean {
  try {
    const { level, msg, error } = JSON.parse(line);
    return ["debug", "info", "notice"].includes(level) || isOfBusyMachine(msg, error);
  } catch {
    return false;
  }
}
