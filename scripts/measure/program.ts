import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "../build/project.ts";
import { type LocalProcess, startProcess } from "../../local/process.ts";
import { logTail } from "../../local/wait.ts";

/** A checkout of httpmon that is measured. */
export interface Checkout {
  name: string;
  folder: string;
}

/** This one, and the one to hold it against. */
export function checkouts(against: string | undefined): Checkout[] {
  const here = { name: "", folder: ROOT };
  return against === undefined ? [here] : [
    here,
    { name: " before", folder: `${resolve(against)}/` },
  ];
}

/** Starts a mode of a checkout, its log in `folder`. */
export function startMode(
  checkout: Checkout,
  args: readonly string[],
  folder: string,
): Promise<LocalProcess> {
  return startProcess(modeCommand(checkout, args), {
    log: logOf(folder, args[0]!),
    cwd: checkout.folder,
  });
}

/** As its task has V8 work, but without a type check and with all permissions. */
export function modeCommand({ folder }: Checkout, args: readonly string[]): string[] {
  const { tasks } = JSON.parse(readFileSync(join(folder, "deno.json"), "utf8"));
  const flags = tasks[args[0]!]?.command.match(/--v8-flags=\S+/g) ?? [];
  return [Deno.execPath(), "run", "-A", "--no-check", ...flags, join(folder, "main.ts"), ...args];
}

/** Runs a mode to its end. @throws Where it fails, with the end of its log */
export async function runMode(
  checkout: Checkout,
  args: readonly string[],
  folder: string,
): Promise<void> {
  const code = await (await startMode(checkout, args, folder)).exited;
  if (code !== 0) throw new Error(`${args[0]} failed: ${await logTail(logOf(folder, args[0]!))}`);
}

function logOf(folder: string, mode: string): string {
  return join(folder, `${mode}.log`);
}
