// Control characters but tab and line ends: NUL, which PostgreSQL has no room for, and what a terminal
// may obey.
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/** A site's text that can be stored and shown: control characters and lone surrogates as U+FFFD. */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(CONTROLS, "\uFFFD");
}

/** As `cleanText`, on one line and cut where it is longer than `maxLength`. */
export function cleanLine(text: string, maxLength: number): string {
  const cut = text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
  return cleanText(cut).replace(/[\t\r\n]+/g, " ");
}
