import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { type LocalProcess, startProcess } from "../process.ts";
import { logTail } from "../wait.ts";

/** A mode of httpmon as a process of its own. */
export interface Program {
  mode: "agent" | "writer" | "alerts" | "web" | "init-schema";
  process: LocalProcess;
  log: string;
}

/**
 * Starts a mode with the permissions that its task has in deno.json, as a person would. Its log is
 * begun anew.
 */
export async function startProgram(
  mode: Program["mode"],
  config: string,
  folder: string,
): Promise<Program> {
  const [deno, ...args] = manifest.tasks[mode].command.split(" ");
  if (deno !== "deno") throw new Error(`The task "${mode}" does not start with "deno"`);
  const log = join(folder, `${mode}.log`);
  await rm(log, { force: true });
  const command = [process.execPath, ...args, "-c", config];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  return { mode, log, process: await startProcess(command, { log, cwd }) };
}

/** An error that says how a program ended and what it last logged. */
export async function endedByItself({ mode, log, process }: Program): Promise<Error> {
  const code = await process.exited;
  return new Error(
    `The ${mode} ended with exit code ${code}; the end of "${log}":\n${await logTail(log)}`,
  );
}
