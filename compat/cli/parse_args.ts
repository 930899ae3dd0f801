/**
 * Stands in for jsr:@std/cli/parse-args where JSR cannot be reached: only the options that httpmon
 * uses of it, over node:util. What is unknown is handed to `unknown`, as there.
 */
import { parseArgs as nodeParseArgs } from "node:util";

/** The options of @std/cli's parseArgs that httpmon uses. */
export interface ParseOptions {
  string?: readonly string[];
  boolean?: readonly string[];
  collect?: readonly string[];
  alias?: Record<string, string>;
  /** Called with each argument that no option names; positional ones have no `key`. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Parsed arguments: positional ones in `_`, an option under its name and its alias. */
// deno-lint-ignore no-explicit-any
export type Args = { _: (string | number)[]; [option: string]: any };

/** Parses `args`; never throws for what a person typed. */
export function parseArgs(args: readonly string[], options: ParseOptions = {}): Args {
  const strings = new Set(options.string);
  const booleans = new Set(options.boolean);
  const collected = new Set(options.collect);
  const longOf = new Map<string, string>();
  for (const [long, short] of Object.entries(options.alias ?? {})) longOf.set(short, long);
  const known: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const name of strings) known[name] = { type: "string" };
  for (const name of booleans) known[name] = { type: "boolean" };
  for (const [short, long] of longOf) {
    if (short.length === 1 && known[long]) known[long]!.short = short;
  }

  const { tokens } = nodeParseArgs({
    args: [...args],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const result: Args = { _: [] };
  for (const name of booleans) result[name] = false;
  for (const name of collected) result[name] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (options.unknown?.(token.value) !== false) result._.push(token.value);
    } else if (token.kind === "option") {
      const name = longOf.get(token.name) ?? token.name;
      if (!strings.has(name) && !booleans.has(name)) {
        options.unknown?.(token.rawName, token.name, token.value);
        continue;
      }
      // node:util takes "-c=x" for the value "=x".
      const inline = token.rawName.startsWith("--") ? token.value : token.value?.replace(/^=/, "");
      const value = strings.has(name) ? inline ?? "" : inline !== "false";
      if (collected.has(name)) result[name].push(value);
      else result[name] = value;
    }
  }
  for (const [short, long] of longOf) if (long in result) result[short] = result[long];
  return result;
}
