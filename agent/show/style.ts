import { type Paint, plain } from "./paint.ts";

/** How a report is laid out. */
export interface Style {
  paint: Paint;
  /** Longer lines of a site's text are cut; null: none is. */
  columns: number | null;
  /** Whether the heads of request and response are shown, and every address tried. */
  isVerbose?: boolean;
}

/** What a file or a pipe gets. */
export const PLAIN: Style = { paint: plain, columns: null };

/** A section: its title, its lines set in; nothing where there are no lines. */
export function section(title: string, lines: readonly string[], { paint }: Style): string[] {
  if (lines.length === 0) return [];
  return ["", paint("bold", title), ...lines.map((line) => line === "" ? "" : `  ${line}`)];
}

/** "12.3 ms" */
export function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

/** "1,234" */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
