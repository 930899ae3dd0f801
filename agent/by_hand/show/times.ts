import type { Site } from "../../../config/types.ts";
import type { Phases } from "../../../wire/message.ts";
import type { Checked } from "../../check/check.ts";
import { COLOURS, milliseconds, section, type Style, titleOf } from "./style.ts";

const PHASE_NAMES: readonly [key: keyof Phases, name: string][] = [
  ["dns", "dns"],
  ["connect", "connect"],
  ["tls", "tls"],
  ["firstByte", "first byte"],
  ["download", "download"],
];

const NAME_WIDTH = 10;
const MAX_BAR = 56;
const MIN_BAR = 10;
const DEFAULT_COLUMNS = 80;

/** One line a phase, with a bar where it lies in the whole; phases that took no time have none. */
export function phaseLines(phases: Phases, { paint, columns }: Style): string[] {
  const texts = PHASE_NAMES.map(([key]) => milliseconds(phases[key]));
  const timeWidth = Math.max(...texts.map((text) => text.length));
  // Two before each line, and two between its columns.
  const room = (columns ?? DEFAULT_COLUMNS) - 2 - NAME_WIDTH - 2 - timeWidth - 2;
  const width = Math.max(MIN_BAR, Math.min(MAX_BAR, room));
  const total = PHASE_NAMES.reduce((sum, [key]) => sum + phases[key], 0);
  const cell = (ms: number) => total === 0 ? 0 : Math.round(ms / total * width);
  let begin = 0;
  return PHASE_NAMES.map(([key, name], i) => {
    const from = cell(begin);
    begin += phases[key];
    const label = `${name.padEnd(NAME_WIDTH)}  ${texts[i]!.padStart(timeWidth)}`;
    if (phases[key] === 0) return paint("dim", label);
    const cells = cell(begin) - from;
    // Less than a cell is a thin one, inside the whole.
    const at = Math.min(from, width - 1);
    const bar = cells === 0 ? "▏" : "█".repeat(cells);
    return `${label}  ${" ".repeat(at)}${paint("cyan", bar)}`;
  });
}

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
