import process from "node:process";
import type { Config } from "../../../config/types.ts";
import { parseCommand } from "../../../runtime/cli/cli.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import type { ExitCode } from "../../../runtime/cli/exit_codes.ts";
import { noHangUps } from "../../../runtime/hang_up.ts";
import { createLogger, type Logger } from "../../../runtime/log/log.ts";
import type { ModeContext } from "../../../runtime/cli/mode_context.ts";
import type { Ended } from "../../db/run_mode.ts";
import { loadedConfig } from "../config.ts";

/** What `work` prints while it runs in this process. */
export async function printed(work: () => Promise<number>): Promise<Ended> {
  const { log, error } = console;
  const { write } = process.stdout;
  const found = { stdout: "", stderr: "" };
  console.log = (text: string) => void (found.stdout += `${text}\n`);
  console.error = (text: string) => void (found.stderr += `${text}\n`);
  process.stdout.write = ((text: string, done: () => void) => {
    found.stdout += text;
    done();
  }) as typeof write;
  try {
    return { code: await work(), ...found };
  } finally {
    Object.assign(console, { log, error });
    process.stdout.write = write;
  }
}

/** Runs a mode in this process, at a time of the test's, and gives what a person would see of it. */
export async function modeHere(
  mode: (context: ModeContext) => Promise<ExitCode>,
  args: readonly string[],
  content: object,
  { clock = systemClock, signal = new AbortController().signal, log }: {
    clock?: Clock;
    signal?: AbortSignal;
    /** @default As a program has it, on standard error */
    log?: Logger;
  } = {},
): Promise<Ended> {
  const command = parseCommand(args, () => undefined);
  if (command.kind !== "run") throw new Error(`"${args}" runs no mode`);
  const config = loadedConfig(command.mode, content) as Config;
  const configSource = { file: "config.yaml", cwd: process.cwd() };
  const context = { config, configSource, options: command.options, clock, signal };
  const logger = log ? Object.assign(log, { takeOver() {} }) : createLogger(config, command.mode);
  return await printed(() => mode({ ...context, log: logger, ...noHangUps }));
}
