import type { Site } from "../../../config/types.ts";
import type { Checked } from "../../check/check.ts";
import { PHASE_NAMES } from "./phases.ts";
import { COLOURS, titleOf } from "./report.ts";
import { milliseconds, section, type Style } from "./style.ts";

/** What several checks of a site have in common, for a person: verdicts, and times by phase. */
export function repeatsOf(site: Site, all: readonly Checked[], style: Style): string {
  const verdicts = new Map<string, number>();
  for (const { message: { verdict, reason } } of all) {
    const key = reason ? `${verdict} ${reason}` : verdict!;
    verdicts.set(key, (verdicts.get(key) ?? 0) + 1);
  }
  const counts = [...verdicts].map(([key, count]) => {
    const [verdict, ...reason] = key.split(" ");
    const word = style.paint(COLOURS[verdict as keyof typeof COLOURS], verdict!.toUpperCase());
    return `${count} ${[word, ...reason].join(" ")}`;
  });
  const phases = all.flatMap(({ record: { phases } }) => phases ?? []);
  const rows: [string, number[]][] = [
    ["total", all.map(({ record }) => record.ms)],
    ...PHASE_NAMES.map(([key, name]): [string, number[]] => [name, phases.map((one) => one[key])]),
  ];
  return [
    titleOf(site, style),
    `${all.length} ${all.length === 1 ? "check" : "checks"}: ${counts.join(", ")}`,
    ...section("Times", tableOf(rows.filter(([, times]) => times.length > 0)), style),
  ].join("\n");
}

function tableOf(rows: readonly [string, readonly number[]][]): string[] {
  const table = [
    ["", "min", "median", "p95"],
    ...rows.map(([name, times]) => [
      name,
      ...[0, 0.5, 0.95].map((fraction) => milliseconds(quantile(times, fraction))),
    ]),
  ];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  return table.map((row) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")
  );
}

/** Between the two nearest values (the default of R and NumPy, type 7 of Hyndman and Fan). */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * fraction;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}
