/** One text to look for a pattern in. */
export interface Search {
  pattern: string;
  /** Null: the body. */
  text: string | null;
}

/** What a value in a JSON body must be. */
export interface JsonRule {
  /** JMESPath. */
  path: string;
  /** Deep equality; undefined: not asked. */
  equals?: unknown;
  /** A regex over a string, or over the JSON text of another value. */
  matches: string | null;
  min: number | null;
  max: number | null;
}

/** All that a site's rules ask of the texts of one response. */
export interface Inspection {
  body: Uint8Array;
  /** The Content-Type, which names the body's charset; null where there is none. */
  contentType: string | null;
  searches: readonly Search[];
  json: readonly JsonRule[];
}

/** Whether a value of the body is as its rule asks. */
export interface JsonFinding {
  ok: boolean;
  /** The value as JSON, cut where it is long; null where there is none. */
  found: string | null;
}

/** What an inspection found. */
export interface Found {
  /** For each search, whether the pattern matched. */
  matched: readonly boolean[];
  /** For each rule; null where the body is not JSON. */
  json: readonly JsonFinding[] | null;
}

/** What was found, or why nobody knows: the monitor's trouble, not the site's. */
export type InspectionOutcome = { ok: true; found: Found } | { ok: false; error: string };

/** Every pattern of an inspection. */
export function patternsOf({ searches, json }: Inspection): string[] {
  const ofValues = json.flatMap(({ matches }) => matches === null ? [] : [matches]);
  return [...searches.map(({ pattern }) => pattern), ...ofValues];
}

/** Whether the body has to be looked at, and not only other texts. */
export function asksOfBody({ searches, json }: Inspection): boolean {
  return json.length > 0 || searches.some(({ text }) => text === null);
}
