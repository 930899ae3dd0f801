import { z } from "zod";
import { optional, section } from "./fields.ts";
import type { Findings } from "./findings.ts";
import { isGiven, mapAt } from "./raw.ts";
import type { DatabaseConfig } from "./types.ts";

/** What a DSN is, to follow "expected". */
export const DSN = "a PostgreSQL connection string (postgres://... or host=... dbname=...)";

const dsn = z.string({ error: DSN }).regex(/^(?:postgres(?:ql)?:\/\/|\s*\w+\s*=)/i, { error: DSN });

/** `database:` of the YAML. */
export const databaseSchema = section({
  dsn: optional(dsn),
  writer: section({ dsn: optional(dsn) }),
});

/** What one key's value alone cannot show to be wrong; `root` is the whole YAML. */
export function checkDatabase(root: unknown, findings: Findings): void {
  const database = mapAt(root, "database");
  const ofWriter = mapAt(database, "writer").dsn;
  if (isGiven(ofWriter) && isGiven(database.dsn) && ofWriter !== database.dsn) {
    findings.expected(
      ["database", "dsn"],
      'the same as "database.writer.dsn", or only one of the two',
      database.dsn,
    );
  }
}

/** The config of a checked `database:`; null where it has no DSN. */
export function toDatabase(yaml: z.output<typeof databaseSchema>): DatabaseConfig | null {
  const given = yaml.writer.dsn ?? yaml.dsn;
  return given === null ? null : { dsn: given };
}
