const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const;

export type Colour = keyof typeof CODES;

/** Puts a text into a colour, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_, text) => text;

export const ansi: Paint = (colour, text) =>
  text === "" ? "" : `\x1b[${CODES[colour]}m${text}\x1b[0m`;

/** Colours on a terminal alone, and there unless NO_COLOR (no-color.org) asks for none. */
export function paintFor(isTerminal: boolean, noColor: string | undefined): Paint {
  return isTerminal && !noColor ? ansi : plain;
}
