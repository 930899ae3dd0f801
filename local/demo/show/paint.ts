import process from "node:process";

const CODES = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 } as const;

/** Puts a text into a colour, or leaves it as it is. */
export type Paint = (colour: keyof typeof CODES, text: string) => string;

export const plain: Paint = (_, text) => text;

export const ansi: Paint = (colour, text) =>
  text === "" ? "" : `\x1b[${CODES[colour]}m${text}\x1b[0m`;

/** Colours on a terminal, unless NO_COLOR asks for none. */
export function paintFor(isTerminal: boolean): Paint {
  return isTerminal && !process.env.NO_COLOR ? ansi : plain;
}
