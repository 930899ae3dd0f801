import { z } from "zod";
import { optional, section, textLike, withDefault } from "../config/fields.ts";
import { part } from "../config/part.ts";
import type { Findings, Path } from "../config/say/findings.ts";
import { isGiven, mapAt } from "../config/source/raw.ts";
import { dsnProblem } from "../runtime/dsn.ts";

/** What a DSN is, to follow "expected". */
export const DSN = "a PostgreSQL connection string (postgres://... or host=... dbname=...)";

const dsn = textLike(DSN, /^(?:postgres(?:ql)?:\/\/|\s*\w+\s*=)/i);

const error = 'a whole number of days from 1 to 36500, or "keep"';
/** Null: for ever. */
const days = z.union([
  z.int({ error }).min(1, { error }).max(36_500, { error }),
  z.literal("keep").transform(() => null),
], { error });

/** `database:` of the YAML; null where it has no DSN. */
export const databasePart = part({
  schema: section({
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
  }),
  load({ root, uses, findings }) {
    if (uses("database")) {
      checkDsns(mapAt(root, "database"), findings);
      checkRetention(mapAt(mapAt(root, "database"), "retention"), findings);
    }
    return (yaml) => {
      const given = yaml.writer.dsn ?? yaml.dsn;
      if (given === null) return null;
      const { raw, hourly, daily, evidence, dead_letters: deadLetters, incidents } = yaml.retention;
      return {
        /** postgres://... or libpq key=value; a secret. */
        dsn: given,
        /** Of a role that only reads, for the dashboard; null: `dsn`, in transactions that only read. */
        readerDsn: yaml.reader.dsn,
        /** Days that things are kept, today not counted; null: for ever. */
        retention: {
          /** Results. */
          raw,
          /** Rollups by hour; as long as results, or longer. */
          hourly,
          /** Rollups by day; as long as those by hour, or longer. Those by month are never dropped. */
          daily,
          /** What sites answered; no longer than results. */
          evidence: evidence ?? raw,
          deadLetters,
          /** Incidents that are closed, and what was told of them. */
          incidents,
        },
      };
    };
  },
});

export type DatabaseConfig = NonNullable<ReturnType<ReturnType<typeof databasePart.load>>>;
export type RetentionConfig = DatabaseConfig["retention"];

function checkDsns(database: Readonly<Record<string, unknown>>, findings: Findings): void {
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
}

/** What is computed from something else outlives it, or a part would stand for the whole. */
function checkRetention(retention: Readonly<Record<string, unknown>>, findings: Findings): void {
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
