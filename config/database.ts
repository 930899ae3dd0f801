import { z } from "zod";
import { optional, section, withDefault } from "./fields.ts";
import { dsnProblem } from "../runtime/dsn.ts";
import type { Findings } from "./say/findings.ts";
import type { Path } from "./say/problem.ts";
import { isGiven, mapAt } from "./source/raw.ts";
import type { DatabaseConfig, RetentionConfig } from "./types.ts";

/** What a DSN is, to follow "expected". */
export const DSN = "a PostgreSQL connection string (postgres://... or host=... dbname=...)";

const dsn = z.string({ error: DSN }).regex(/^(?:postgres(?:ql)?:\/\/|\s*\w+\s*=)/i, { error: DSN });

const error = 'a whole number of days from 1 to 36500, or "keep"';
/** Null: for ever. */
const days = z.union([
  z.int({ error }).min(1, { error }).max(36_500, { error }),
  z.literal("keep").transform(() => null),
], { error });

/** `database:` of the YAML. */
export const databaseSchema = section({
  dsn: optional(dsn),
  writer: section({ dsn: optional(dsn) }),
  reader: section({ dsn: optional(dsn) }),
  retention: section({
    raw: withDefault(days, null),
    hourly: withDefault(days, null),
    daily: withDefault(days, null),
    // Without its result it says nothing.
    evidence: optional(days),
    dead_letters: withDefault(days, null),
    incidents: withDefault(days, null),
  }),
});

/** What one key's value alone cannot show to be wrong; `root` is the whole YAML. */
export function checkDatabase(root: unknown, findings: Findings): void {
  const database = mapAt(root, "database");
  const checkDsn = (path: Path, given: unknown) => {
    const problem = typeof given === "string" ? dsnProblem(given) : null;
    if (problem !== null) findings.expected(path, DSN, given, `which is wrong: ${problem}`);
  };
  checkDsn(["database", "dsn"], database.dsn);
  for (const role of ["writer", "reader"]) {
    checkDsn(["database", role, "dsn"], mapAt(database, role).dsn);
  }
  const ofWriter = mapAt(database, "writer").dsn;
  if (isGiven(ofWriter) && isGiven(database.dsn) && ofWriter !== database.dsn) {
    findings.expected(
      ["database", "dsn"],
      'the same as "database.writer.dsn", or only one of the two',
      database.dsn,
    );
  }
  checkRetention(mapAt(database, "retention"), findings);
}

/** What is computed from something else outlives it, or a part would stand for the whole. */
function checkRetention(retention: Record<string, unknown>, findings: Findings): void {
  const days = (key: string) => {
    const given = retention[key];
    return typeof given === "number" ? given : Infinity;
  };
  const expect = (key: string, most: "most" | "least", other: string) =>
    findings.expected(
      ["database", "retention", key],
      `at ${most} as many days as "${other}" (${retention[other] ?? "keep"})`,
      retention[key],
    );
  if (days("hourly") < days("raw")) expect("hourly", "least", "raw");
  if (days("daily") < days("hourly")) expect("daily", "least", "hourly");
  if (isGiven(retention.evidence) && days("evidence") > days("raw")) {
    expect("evidence", "most", "raw");
  }
}

/** The config of a checked `database:`; null where it has no DSN. */
export function toDatabase(yaml: z.output<typeof databaseSchema>): DatabaseConfig | null {
  const given = yaml.writer.dsn ?? yaml.dsn;
  if (given === null) return null;
  const { dead_letters: deadLetters, evidence, ...rest } = yaml.retention;
  const retention: RetentionConfig = { ...rest, evidence: evidence ?? rest.raw, deadLetters };
  return { dsn: given, readerDsn: yaml.reader.dsn, retention };
}
