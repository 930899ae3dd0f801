import type { Findings, Search } from "../inspect/inspection.ts";

/** Whether a pattern matched a text; null: the body. */
export type Matched = (pattern: string, text: string | null) => boolean;

/**
 * Reads the answers of an inspection by what was asked.
 *
 * @throws {RangeError} For what was not asked
 */
export function matchedIn(searches: readonly Search[], { matched }: Findings): Matched {
  return (pattern, text) => {
    const at = searches.findIndex((search) => search.pattern === pattern && search.text === text);
    if (at < 0) throw new RangeError(`Nobody looked for "${pattern}"`);
    return matched[at]!;
  };
}
