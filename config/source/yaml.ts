import { parse } from "@std/yaml";
import { isSecretHeader, isSecretKey } from "../say/redact.ts";
import { quote } from "../say/show.ts";

/** A document, or why there is none: a verb and what follows, "is not YAML at line 3". */
export type YamlResult = { ok: true; value: unknown } | { ok: false; problem: string };

/** The most values that aliases may add to those that are written: what is made of it is copied. */
const MAX_FROM_ALIASES = 1_000_000;

/**
 * Parses one YAML document. The parser's own message is not passed on, as it quotes the file, and
 * with it what may be a secret; what it is about is said in words of ours.
 */
export function parseYaml(text: string): YamlResult {
  const failed = (problem: string) => ({ ok: false, problem }) as const;
  try {
    const value = parse(text);
    const { written, all } = count(value, new Map());
    if (all - written <= Math.min(MAX_FROM_ALIASES, 10_000 + 100 * written)) {
      return { ok: true, value };
    }
    return failed(
      `has ${written} values, which its aliases ("*") make far more of; use fewer of them`,
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = message.split("\n")[0]!;
    if (/single document/.test(reason)) {
      return failed('holds several YAML documents; keep one (a line "---" parts them)');
    }
    // "... at line 3, column 1" or "... (3:1)".
    const [, line, otherLine] = /at line (\d+)|\((\d+):\d+\)\s*$/.exec(reason) ?? [];
    const found = line ?? otherLine;
    const lines = text.split(/\r\n|\r|\n/);
    const { at = found && Number(found), hint } = hintFor(reason, lines, Number(found ?? 0)) ?? {};
    return failed(`is not YAML${at ? ` at line ${at}` : ""}${hint ? `: ${hint}` : ""}`);
  }
}

interface Hint {
  /** Where the parser notices it later than it is. */
  at?: number;
  hint: string;
}

/** What is wrong, as far as it is known, in the words of ours. @param line From 1; 0: nobody knows */
function hintFor(reason: string, lines: readonly string[], line: number): Hint | undefined {
  if (/duplicated (mapping )?key/i.test(reason)) {
    const key = /^\s*(?:- )?(?:"([^"]*)"|'([^']*)'|([^\s"'{[].*?)):(?:\s|$)/.exec(
      lines[line - 1] ?? "",
    );
    const name = key?.slice(1).find((name) => name !== undefined);
    return {
      hint: name === undefined ? "a key is there twice" : `the key ${quote(name)} is there twice`,
    };
  }
  if (/flow (collection|sequence|mapping)/i.test(reason)) {
    const [variable] = /(?<!["'])\$\{\w+\}(?!["'])/.exec(lines[line - 1] ?? "") ?? [];
    if (variable) {
      return { hint: `read ${variable} within "[" or "{", write "${variable}" in quotes` };
    }
  }
  return strayWord(reason, lines, line) ?? HINTS.find(({ of }) => of.test(reason));
}

/**
 * A line that is no "key: value", and not a part of the one above, which the parser notices up to two
 * lines later. It is shown unless it may be a secret that slipped to a line of its own.
 */
function strayWord(reason: string, lines: readonly string[], line: number): Hint | undefined {
  if (!/multiline key|implicit|document separator|mapping entry/i.test(reason)) return undefined;
  for (let at = line; at >= Math.max(1, line - 2); at--) {
    const text = lines[at - 1]?.trim() ?? "";
    if (!/^[^\s#"'[{&*!|>%@`-][^:#]*$/.test(text)) continue;
    const above = /^\s*["']?([\w-]+)["']?:/.exec(lines[at - 2] ?? "")?.[1] ?? "";
    const isShown = /^[\w ./-]{1,40}$/.test(text) && !isSecretKey(above) && !isSecretHeader(above);
    return { at, hint: `${isShown ? `read ${quote(text)}, ` : ""}expected "key: value"` };
  }
  return undefined;
}

/** How many values are written below `value`, aside from those in `known`, and how many it stands for. */
function count(value: unknown, known: Map<unknown, number>): { written: number; all: number } {
  if (typeof value !== "object" || value === null) return { written: 1, all: 1 };
  const before = known.get(value);
  if (before !== undefined) return { written: 1, all: before };
  // Until it is known: an alias of what it stands in is found later.
  known.set(value, 1);
  const sum = { written: 1, all: 1 };
  for (const child of Object.values(value)) {
    const { written, all } = count(child, known);
    sum.written += written;
    sum.all += all;
  }
  known.set(value, sum.all);
  return sum;
}

const HINTS: readonly { of: RegExp; hint: string }[] = [
  { of: /tab characters/i, hint: "a tab indents it; use spaces" },
  { of: /alias/i, hint: 'a value that starts with "*" must be in quotes' },
  { of: /tag/i, hint: 'a value that starts with "!" must be in quotes' },
  { of: /indentation/i, hint: "its indentation does not fit the lines above" },
  { of: /quoted scalar/i, hint: "a quote is not closed" },
  {
    of: /flow (collection|sequence|mapping)/i,
    hint: 'a "[" or "{" is not closed, or a "," is missing',
  },
  { of: /escape/i, hint: 'a "\\\\" in double quotes starts no known escape; use single quotes' },
  { of: /non-printable|control/i, hint: "there is a control character in it" },
  {
    of: /multiline key|implicit/i,
    hint: 'a line is neither "key: value" nor a part of the one above',
  },
];
