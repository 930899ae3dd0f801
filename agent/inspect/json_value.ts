import { compile, type JSONValue, TreeInterpreter } from "@jmespath-community/jmespath";
import type { JsonFinding, JsonRule } from "./inspection.ts";
import type { RegexCache } from "./inspect.ts";

/** The most characters of a value that a finding shows. */
const MAX_SHOWN = 120;

/** What each rule's path finds in a JSON text; null where the text is not JSON. */
export function inspectJson(
  text: string,
  rules: readonly JsonRule[],
  regexes: RegexCache,
): JsonFinding[] | null {
  let root: JSONValue;
  try {
    root = JSON.parse(text);
  } catch {
    return null;
  }
  return rules.map((rule) => {
    const path = compile(rule.path);
    try {
      const value: unknown = TreeInterpreter.search(path, root);
      return { ok: fits(rule, value, regexes), found: shown(value) };
    } catch (error) {
      // A function of a path met another type than it takes, or a value is nested without end.
      return { ok: false, found: cut(error instanceof Error ? error.message : String(error)) };
    }
  });
}

/**
 * JMESPath finds null where there is no value, so neither can be told from the other: only `equals`
 * with null is content with it.
 */
function fits(rule: JsonRule, value: unknown, regexes: RegexCache): boolean {
  if (isMissing(value)) return rule.equals === null && rule.matches === null && !isBound(rule);
  if (rule.equals !== undefined && !deepEqual(rule.equals, value)) return false;
  if (isBound(rule)) {
    if (typeof value !== "number") return false;
    if (rule.min !== null && value < rule.min) return false;
    if (rule.max !== null && value > rule.max) return false;
  }
  if (rule.matches === null) return true;
  return regexes.get(rule.matches).test(
    typeof value === "string" ? value : JSON.stringify(value),
  );
}

function isBound({ min, max }: JsonRule): boolean {
  return min !== null || max !== null;
}

/** A path such as "toString" finds what is no JSON. */
function isMissing(value: unknown): boolean {
  return value === null || value === undefined || typeof value === "function";
}

/** Equality of JSON values; goes no deeper than the first of them. */
function deepEqual(wanted: unknown, found: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return wanted === found;
  if (typeof found !== "object" || found === null) return false;
  if (Array.isArray(wanted) !== Array.isArray(found)) return false;
  const keys = Object.keys(wanted);
  return keys.length === Object.keys(found).length &&
    keys.every((key) =>
      Object.hasOwn(found, key) &&
      deepEqual((wanted as Record<string, unknown>)[key], (found as Record<string, unknown>)[key])
    );
}

function shown(value: unknown): string | null {
  return isMissing(value) ? null : cut(JSON.stringify(value));
}

function cut(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN).toWellFormed()}…`;
}
