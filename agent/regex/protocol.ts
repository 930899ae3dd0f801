/** What a search is given. */
export interface SearchRequest {
  pattern: string;
  body: Uint8Array;
  /** Of the body; null: UTF-8. */
  charset: string | null;
}

/** Whether the pattern was found, or why nobody knows: the monitor's trouble, not the site's. */
export type SearchOutcome = { ok: true; matched: boolean } | { ok: false; error: string };

/** A thread's answer; the size of the compiled pattern is a measure of what a search costs. */
export type SearchReply =
  | { ok: true; matched: boolean; programSize: number }
  | { ok: false; error: string };
