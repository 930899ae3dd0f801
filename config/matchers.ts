import { compileRegex } from "./site/regex.ts";

/** A condition on labels, in the form of Alertmanager's API. */
export interface Matcher {
  name: string;
  value: string;
  /** Whether the value is a regex (RE2), for the whole label. */
  isRegex: boolean;
  /** False: what does not match does. */
  isEqual: boolean;
}

const FORM = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^"]*?))\s*$/;

/** `group="web"`, `severity!=warning`, `site=~"shop.*"`; null for what is none. */
export function parseMatcher(text: string): Matcher | null {
  const [, name, operator, quoted, bare] = FORM.exec(text) ?? [];
  if (name === undefined) return null;
  const value = quoted === undefined ? bare! : quoted.replace(/\\(.)/g, "$1");
  const isRegex = operator!.endsWith("~");
  if (isRegex && regexOf(value) === null) return null;
  return { name, value, isRegex, isEqual: operator!.startsWith("=") };
}

/** Tells whether all of them hold for some labels; one that is not there is an empty one. */
export function allOf(
  matchers: readonly Matcher[],
): (labels: Readonly<Record<string, string>>) => boolean {
  const tests = matchers.map(({ name, value, isRegex, isEqual }) => {
    const test = isRegex ? regexOf(value) : (label: string) => label === value;
    return (labels: Readonly<Record<string, string>>) =>
      // A regex that cannot be used holds for nothing.
      test !== null && test(Object.hasOwn(labels, name) ? labels[name]! : "") === isEqual;
  });
  return (labels) => tests.every((test) => test(labels));
}

/** As a person writes it. */
export function showMatcher({ name, value, isRegex, isEqual }: Matcher): string {
  const operator = isRegex ? (isEqual ? "=~" : "!~") : (isEqual ? "=" : "!=");
  return `${name}${operator}${JSON.stringify(value)}`;
}

/** Null for a regex that cannot be used. */
function regexOf(source: string): ((label: string) => boolean) | null {
  try {
    const regex = compileRegex(`\\A(?:${source})\\z`);
    return (label) => regex.test(label);
  } catch {
    return null;
  }
}
