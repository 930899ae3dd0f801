import type { Run } from "./run.ts";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The counts in the last line that `deno test` prints: "ok | 5 passed | 0 failed (13ms)". */
export function countsOf(output: string): Counts | null {
  const summary = output.match(/^(?:ok|FAILED) \| .*$/gm)?.at(-1);
  if (!summary) return null;
  const count = (word: string) => Number(summary.match(new RegExp(`(\\d+) ${word}`))?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("ignored") };
}

/** What a run comes to. One that died without its summary failed, whatever had passed. */
export function verdictOf({ code, output }: Pick<Run, "code" | "output">): Counts {
  const counts = countsOf(output) ?? { passed: 0, failed: 1, skipped: 0 };
  return { ...counts, failed: code !== 0 ? Math.max(1, counts.failed) : counts.failed };
}

/** What several runs come to. */
export function totalOf(runs: readonly Pick<Run, "code" | "output">[]): Counts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of runs.map(verdictOf)) {
    for (const name of ["passed", "failed", "skipped"] as const) total[name] += counts[name];
  }
  return total;
}

/** The line of a run that is over. */
export function lineOf(run: Run): string {
  const { passed, failed } = verdictOf(run);
  const counts = failed > 0 ? `${failed} of ${passed + failed} FAILED` : `${passed} passed`;
  return `${figures(run)}  ${run.name}: ${counts}`;
}

/** The slowest tests of all, "65.0 s  name" each. */
export function slowestOf(runs: readonly Pick<Run, "output">[], count: number): string[] {
  const tests = runs.flatMap(({ output }) => [
    ...output.matchAll(/^(\S.*) \.\.\. \w+ \((?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?\)$/gm),
  ]);
  return tests
    .map(([, name, minutes, seconds, ms]) => ({
      name: name!,
      seconds: 60 * Number(minutes ?? 0) + Number(seconds ?? 0) + Number(ms ?? 0) / 1000,
    }))
    .sort((one, other) => other.seconds - one.seconds)
    .slice(0, count)
    .map(({ name, seconds }) => `${fixed(seconds)} s  ${name}`);
}

function figures({ seconds, cpu }: Run): string {
  return `${fixed(seconds)} s, CPU ${fixed(cpu)} s`;
}

export function fixed(seconds: number): string {
  return seconds.toFixed(1).padStart(6);
}
