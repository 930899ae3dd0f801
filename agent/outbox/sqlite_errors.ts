/**
 * "locked": another process has the file. "full": no room. "damaged": the file's content is not what
 * was written.
 */
export type FailureKind = "locked" | "full" | "damaged" | "other";

/** By SQLite's own texts, which both runtimes pass on; Deno leaves the code out of some errors. */
export function failureKind(error: unknown): FailureKind {
  const { message } = error as { message?: unknown };
  const text = String(message);
  if (text.includes("is locked")) return "locked";
  if (text.includes("is full")) return "full";
  return /malformed|not a database/.test(text) ? "damaged" : "other";
}

/** Does what can be done without: that it fails is not told. */
export function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    // As said above.
  }
}
