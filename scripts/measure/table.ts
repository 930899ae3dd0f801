import { appendFileSync, mkdirSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { ROOT } from "../build/project.ts";
import { median } from "./statistics.ts";

/** Figures of one run, by name with their unit: "CPU us a result" for one. */
export type Figures = Readonly<Record<string, number>>;

/** A thing that is measured beside others. */
export interface Contender {
  name: string;
  run(): Promise<Figures>;
}

/**
 * Runs all in turn, so many times, as a machine is not as quick at one time as at another.
 *
 * @returns Of each its figures, medians of all rounds
 */
export async function inTurn(
  contenders: readonly Contender[],
  rounds: number,
): Promise<Map<string, Figures>> {
  const all = new Map<string, Figures[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of contenders) {
      const figures = await run();
      all.get(name)!.push(figures);
      // In full, so that a run that is cut short was not for nothing.
      const told = Object.entries(figures).map(([name, each]) => `${name} ${shown(each)}`);
      console.error(`round ${round + 1} of ${rounds}: ${name}: ${told.join(", ")}`);
    }
  }
  return new Map([...all].map(([name, runs]) => [name, medians(runs)]));
}

function medians(runs: readonly Figures[]): Figures {
  const names = Object.keys(runs[0]!);
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]!))]));
}

/**
 * Prints what was measured as a table, or as JSON lines, and appends the lines to build/bench.jsonl with
 * the versions, so that two commits compare.
 */
export async function report(
  bench: string,
  measured: ReadonlyMap<string, Figures>,
  json = false,
): Promise<void> {
  const versions = {
    commit: await commitOf(ROOT),
    deno: Deno.version.deno,
    machine: `${availableParallelism()} x ${cpus()[0]?.model ?? "?"}`,
    at: new Date().toISOString(),
  };
  const lines = [...measured].map(([name, figures]) =>
    JSON.stringify({ bench, name, ...figures, ...versions })
  );
  mkdirSync(`${ROOT}build`, { recursive: true });
  appendFileSync(`${ROOT}build/bench.jsonl`, lines.map((line) => `${line}\n`).join(""));
  if (json) return console.log(lines.join("\n"));
  const columns = [...new Set([...measured.values()].flatMap((figures) => Object.keys(figures)))];
  const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
  row([bench, ...columns]);
  row(["--", ...columns.map(() => "-:")]);
  for (const [name, figures] of measured) {
    row([name, ...columns.map((column) => shown(figures[column]))]);
  }
}

function shown(figure: number | undefined): string {
  if (figure === undefined) return "";
  return figure.toLocaleString("en", { maximumFractionDigits: Math.abs(figure) < 100 ? 1 : 0 });
}

/** What is checked out in a folder, in short. */
export async function commitOf(folder: string): Promise<string> {
  const { stdout } = await new Deno.Command("git", {
    args: ["describe", "--always", "--dirty"],
    cwd: folder,
  }).output();
  return new TextDecoder().decode(stdout).trim();
}
