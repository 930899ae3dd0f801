/**
 * Stands in for jsr:@std/yaml where JSR cannot be reached: only what httpmon uses of it, over
 * js-yaml, from which @std/yaml itself descends.
 */
// deno-lint-ignore-file no-explicit-any
import yaml from "js-yaml";

/**
 * Parses one YAML document (default schema: merge keys, timestamps; an empty document is null).
 *
 * @throws {SyntaxError} Where the text is not YAML, a key is given twice, or it holds several documents
 */
export function parse(content: string): unknown {
  try {
    return (yaml as any).load(content) ?? null;
  } catch (error) {
    throw new SyntaxError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * A YAML document of `data`; undefined in it is refused, as there.
 *
 * @throws {TypeError} For what YAML has not, such as functions
 */
export function stringify(data: unknown): string {
  try {
    return (yaml as any).dump(data);
  } catch (error) {
    throw new TypeError(error instanceof Error ? error.message : String(error));
  }
}
