import type { Site } from "../../../config/types.ts";
import type { Verdict } from "../../../wire/message.ts";

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const;

export type Colour = keyof typeof CODES;

/** Of a verdict. */
export const COLOURS: Record<Verdict, Colour> = {
  up: "green",
  degraded: "yellow",
  down: "red",
  unknown: "magenta",
};

/** Puts a text into a colour, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_, text) => text;

export const ansi: Paint = (colour, text) =>
  text === "" ? "" : `\x1b[${CODES[colour]}m${text}\x1b[0m`;

/** Colours on a terminal alone, and there unless NO_COLOR (no-color.org) asks for none. */
export function paintFor(isTerminal: boolean, noColor: string | undefined): Paint {
  return isTerminal && !noColor ? ansi : plain;
}

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

/** The site's name and URL. */
export function titleOf({ name, url }: Site, { paint }: Style): string {
  return name === null ? paint("bold", url) : `${paint("bold", name)}  ${paint("dim", url)}`;
}
