import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import type { Findings, Path } from "./findings.ts";
import type { Outside } from "../source/outside.ts";
import { childOf, isMapSchema, keysOf, narrowed, placeOf } from "./schema_tree.ts";

/**
 * Checks `root` by `schema`. A text that came from outside is made the number, boolean or list
 * (parted by commas) that its key needs, in `root` itself.
 *
 * @returns The value with its defaults; null if anything is in the findings
 */
export function validate<S extends z.ZodType>(
  schema: S,
  root: unknown,
  outside: Outside,
  findings: Findings,
): z.output<S> | null {
  for (;;) {
    const parsed = schema.safeParse(root);
    if (parsed.success) return parsed.data;
    const { issues } = parsed.error;
    // One at a time is enough to go on: a list's items are only looked at once it is one.
    const coerced = issues.filter((issue) =>
      outside.has(issue.path as Path) && coerce(root, issue)
    );
    for (const { path } of coerced) outside.noText(path as Path);
    if (coerced.length > 0) continue;
    for (const issue of issues) note(issue, schema, root, findings);
    return null;
  }
}

/** Makes the text at the issue's path what was expected there; false where that cannot be. */
function coerce(root: unknown, issue: z.core.$ZodIssue): boolean {
  if (issue.code !== "invalid_type" || issue.path.length === 0) return false;
  const parent = valueAt(root, issue.path.slice(0, -1)) as Record<PropertyKey, unknown>;
  const key = issue.path.at(-1)!;
  const text = parent[key];
  if (typeof text !== "string") return false;
  const value = fromText(text.trim(), issue.expected);
  if (value !== undefined) parent[key] = value;
  return value !== undefined;
}

function fromText(text: string, type: string): unknown {
  switch (type) {
    case "number":
    case "int":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "array":
      return text.split(",").map((item) => item.trim());
    default:
      return undefined;
  }
}

function note(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown, findings: Findings): void {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) findings.add([...path, key], unknownKey(key, path, schema, root));
  } else if (issue.code === "invalid_key") {
    findings.add(path, `expected ${issue.message}`);
  } else {
    findings.expected(path, issue.message, valueAt(root, path));
  }
}

function unknownKey(key: string, path: Path, schema: z.ZodType, root: unknown): string {
  let around: z.core.$ZodType | null = schema;
  for (const [n, part] of path.entries()) {
    around = narrowed(childOf(around, part), valueAt(root, path.slice(0, n + 1)));
  }
  const known = [...keysOf(around) ?? []];
  const fromFile = key.endsWith("_file")
    ? known.filter((name) => !isMapSchema(childOf(around, name))).map((name) => `${name}_file`)
    : [];
  const [nearest] = [...known, ...fromFile]
    .map((name) => ({ name, away: distance(name, key.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  const place = placeOf(schema, key);
  const near = place ? 1 : Math.max(2, Math.floor(key.length / 3));
  if (nearest && nearest.away <= near) return `unknown key, did you mean "${nearest.name}"?`;
  if (place) return `unknown key here, its place is ${place.length ? place.join(".") : "the top"}`;
  return `unknown key, expected one of ${known.join(", ")}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) {
      return undefined;
    }
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}
