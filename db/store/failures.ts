/**
 * Whose fault a failed statement is: "operational", the database's or the way to it (try the same
 * again), or "data", one of the rows' (it would fail again for ever).
 */
export type FailureKind = "operational" | "data";

/**
 * SQLSTATE classes that only a value in the statement can cause, from
 * https://www.postgresql.org/docs/current/errcodes-appendix.html: 21 cardinality, 22 data, 23
 * integrity, 44 a view's check option, 54 program limit (a row too large), P0 raised by a trigger.
 * All others (08 connection, 25 transaction state, 28 login, 40 deadlock, 42 missing table or right,
 * 53 resources, 55 lock, 57 shutdown or cancelled, 58 system, XX internal, ...) need a person or time.
 */
const DATA_CLASSES = new Set(["21", "22", "23", "44", "54", "P0"]);

/** Of those classes, yet the database's: 2200H, a sequence has come to its end. */
const OPERATIONAL_STATES = new Set(["2200H"]);

/**
 * Tells whose fault an error is; one without SQLSTATE is the connection's, unless our own process could
 * not hold or write the values. A statement that ran into its time had too much to do.
 */
export function classifyFailure(error: unknown): FailureKind {
  if (error instanceof RangeError || error instanceof TypeError || isTimeout(error)) return "data";
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string" || isMissingPartition(error)) return "operational";
  if (OPERATIONAL_STATES.has(code)) return "operational";
  return DATA_CLASSES.has(code.slice(0, 2)) ? "data" : "operational";
}

/** Whether a row's day has no partition. Shares its SQLSTATE with CHECK constraints, which have names. */
export function isMissingPartition(error: unknown): boolean {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return code === "23514" && constraint === undefined;
}

/** Whether what the statement needs is held by others: a lock, or a partition that is detached. */
export function isLocked(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "55P03";
}

/** Whether the server ended the statement, as it ran into its time. */
export function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "57014";
}
