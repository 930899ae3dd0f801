import type { Phases } from "../../../wire/message.ts";
import { milliseconds, type Style } from "./style.ts";

export const PHASE_NAMES: readonly [key: keyof Phases, name: string][] = [
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
