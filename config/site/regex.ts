import { RE2JS, RE2JSSyntaxException } from "re2js";

/** What Python's `re` has and RE2 has not, by how it starts. Order matters: longer starts first. */
const NOT_IN_RE2: readonly [name: string, start: RegExp][] = [
  ["look-ahead", /^\(\?[=!]/],
  ["look-behind", /^\(\?<[=!]/],
  ["an atomic group", /^\(\?>/],
  ["a conditional group", /^\(\?\(/],
  ["a back-reference", /^\(\?P=\w+\)?/],
  ["a back-reference", /^\\[1-9]/],
  ["a back-reference", /^\\[kg][<{']?\w+[>}']?/],
  ["a comment", /^\(\?#/],
  ["a possessive quantifier", /^(?:[*+?]|\{\d*,?\d*\})\+/],
  ["a repeat count over 1000", /^\{(?:\d+,)?0*(?:[1-9]\d{3,}|100[1-9])\}/],
  ["an inline flag", /^\(\?[a-z]*[axuLt][a-z]*(?:-[a-z]*)?[:)]/],
  ['an escape; "\\x{...}" is RE2\'s way to give a character by its number', /^\\(?:u|U|N\{)/],
];

/** A regex that cannot be used; the message completes "expected a regex ...". */
export class RegexError extends Error {}

/**
 * Compiles a regex of RE2 syntax, `^` and `$` at line ends, in linear time over any text. Python's
 * `\Z` is read as RE2's `\z` (the text's very end).
 *
 * @throws {RegexError} Naming what RE2 lacks, where that is the reason. No part of `source` that is
 * not syntax stands in the message
 */
export function compileRegex(source: string): RE2JS {
  const tokens = tokenize(source);
  // Python reads {,3} as {0,3}; RE2 as these four characters. Better refused than silently other.
  const halfOpen = tokens.findIndex((token, i) =>
    token === "{" && /^\{,\d+\}/.test(tokens.slice(i, i + 12).join(""))
  );
  if (halfOpen >= 0) {
    throw new RegexError('with "{0,n}" in place of "{,n}", which RE2 reads as plain characters');
  }
  try {
    return RE2JS.compile(
      tokens.map((token) => token === "\\Z" ? "\\z" : token).join(""),
      RE2JS.MULTILINE,
    );
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new RegexError(lacking(tokens) ?? `that RE2 can read (${reason(error)})`, {
      cause: error,
    });
  }
}

/** Literal stretches (\Q...\E), escapes and character classes as one token each, else characters. */
function tokenize(source: string): string[] {
  return source.match(
    /\\Q[^]*?(?:\\E|$)|\\[^]|\[\^?\]?(?:\[:\^?\w+:\]|\\[^]|[^\]\\])*\]|[^]/gu,
  ) ?? [];
}

function lacking(tokens: readonly string[]): string | null {
  for (const [i, token] of tokens.entries()) {
    if (token.startsWith("\\Q") || token.startsWith("[")) continue;
    const rest = tokens.slice(i, i + 40).join("");
    for (const [name, start] of NOT_IN_RE2) {
      const found = start.exec(rest);
      if (found) return `of RE2 syntax, which lacks "${found[0]}" (${name})`;
    }
  }
  return null;
}

/** RE2's reason without the text that it quotes. */
function reason(error: RE2JSSyntaxException): string {
  const text = String((error as { error?: unknown }).error ?? "syntax error");
  return text.replace(/[()[\]]$/, '"$&"');
}
