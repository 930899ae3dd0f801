import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type LocalProcess, startProcess } from "../../local/process.ts";
import { logTail, waitFor } from "../../local/wait.ts";
import { denoEnv, taskCommand } from "../../tests/support/program/task_command.ts";
import { type Usage, usageOf } from "../measure/usage.ts";

/** Levels of lines that nobody need look at. */
const CALM = ["debug", "info", "notice"];
/** Ten thousand sites are read and checked in a second or two. */
const START_MS = 60_000;

/** Over the agent's own deadline of 10 s. */
const STOP_MS = 30_000;

type LogLine = Readonly<Record<string, unknown>>;

/** The agent as a user would start it: the task's command, in a folder with a config.yaml. */
export class SoakAgent {
  readonly #process: LocalProcess;
  readonly #log: string;

  private constructor(process: LocalProcess, log: string) {
    this.#process = process;
    this.#log = log;
  }

  /** Starts it; resolves when its schedule runs, with when that was (milliseconds since 1970). */
  static async start(folder: string): Promise<{ agent: SoakAgent; startedAt: number }> {
    const log = join(folder, "agent.log");
    const command = [...taskCommand("agent"), "-c", "config.yaml"];
    const agent = new SoakAgent(
      await startProcess(command, { log, cwd: folder, env: denoEnv() }),
      log,
    );
    let line: LogLine | undefined;
    await waitFor(
      "the agent to run",
      async () => {
        await agent.assertRuns();
        line = (await agent.#lines()).lines.find(({ msg }) => msg === "The agent runs");
        return line !== undefined;
      },
      START_MS,
      50,
    );
    return { agent, startedAt: Date.parse(String(line!.time)) };
  }

  /** @throws {Error} Where it has ended, with the end of its log */
  async assertRuns(): Promise<void> {
    if (!this.#process.ended) return;
    throw new Error(`The agent has ended; the end of its log:\n${await logTail(this.#log)}`);
  }

  usage(): Usage {
    return usageOf(this.#process.pid);
  }

  /** Asks it to stop, as a service manager does. @returns Its exit code */
  async stop(): Promise<number> {
    await this.#process.stop("SIGTERM", STOP_MS);
    return await this.#process.exited;
  }

  /** What it logged at its end, and what it complained about. */
  async logged(): Promise<{ summary: LogLine; complaints: string[] }> {
    const { lines, others } = await this.#lines();
    const complaints = lines.filter(({ level }) => !CALM.includes(String(level)));
    return {
      summary: lines.find(({ msg }) => msg === "The agent stopped") ?? {},
      complaints: [...complaints.map((line) => JSON.stringify(line)), ...others],
    };
  }

  async #lines(): Promise<{ lines: LogLine[]; others: string[] }> {
    const lines: LogLine[] = [];
    const others: string[] = [];
    // At the very start there is none.
    const text = await readFile(this.#log, "utf8").catch(() => "");
    // What follows the last line feed is still being written.
    for (const line of text.split("\n").slice(0, -1)) {
      try {
        lines.push(JSON.parse(line));
      } catch {
        others.push(line);
      }
    }
    return { lines, others };
  }
}
