import { parse } from "@std/yaml";

/** A document, or why there is none: a verb and what follows, "is not YAML at line 3". */
export type YamlResult = { ok: true; value: unknown } | { ok: false; problem: string };

/** The most values that aliases may add to those that are written: what is made of it is copied. */
const MAX_FROM_ALIASES = 1_000_000;

/**
 * Parses one YAML document. The parser's own message is not passed on, as it quotes the file, and
 * with it what may be a secret; what it is about is said in words of ours.
 */
export function parseYaml(text: string): YamlResult {
  try {
    const value = parse(text);
    const { written, all } = count(value, new Map());
    if (all - written <= Math.min(MAX_FROM_ALIASES, 10_000 + 100 * written)) {
      return { ok: true, value };
    }
    return {
      ok: false,
      problem: `has ${written} values, which its aliases ("*") make far more of; use fewer of them`,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = message.split("\n")[0]!;
    if (/single document/.test(reason)) {
      return {
        ok: false,
        problem: 'holds several YAML documents; keep one (a line "---" parts them)',
      };
    }
    // "... at line 3, column 1" or "... (3:1)".
    const line = /at line (\d+)|\((\d+):\d+\)\s*$/.exec(reason);
    const place = line ? ` at line ${line[1] ?? line[2]}` : "";
    const hint = HINTS.find(([pattern]) => pattern.test(reason))?.[1];
    return { ok: false, problem: `is not YAML${place}${hint ? `: ${hint}` : ""}` };
  }
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

const HINTS: readonly [reason: RegExp, hint: string][] = [
  [/duplicated (mapping )?key/i, "a key is there twice"],
  [/tab characters/i, "a tab indents it; use spaces"],
  [/alias/i, 'a value that starts with "*" must be in quotes'],
  [/tag/i, 'a value that starts with "!" must be in quotes'],
  [/indentation/i, "its indentation does not fit the lines above"],
  [/quoted scalar/i, "a quote is not closed"],
  [/flow (collection|sequence|mapping)/i, 'a "[" or "{" is not closed, or a "," is missing'],
  [/escape/i, 'a "\\\\" in double quotes starts no known escape; use single quotes'],
  [/non-printable|control/i, "there is a control character in it"],
  [/multiline key|implicit key/i, 'a line is neither "key: value" nor a part of the one above'],
];
