/** Nothing that a site said starts a line, or turns the direction of what follows. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, " ");
}

export function literal(text: string): string {
  return text.replace(/[\\`*_~|<>[\]#]/g, "\\$&");
}

/** `text` of so many characters at the most. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not within a pair of surrogates.
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
