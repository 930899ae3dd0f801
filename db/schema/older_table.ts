import type { ClientBase } from "pg";
import { SchemaError } from "./schema_error.ts";

/** The name that the older program's table has once its rows are carried over. */
export const OLDER_TABLE = "mon_daily_before_httpmon";

/** The older program's columns, each with the types that are read. */
const COLUMNS: Record<string, readonly string[]> = {
  ts: ["timestamp without time zone"],
  agent: ["uuid"],
  url: ["character varying", "text"],
  regexresult: ["boolean"],
  responsecode: ["integer", "smallint"],
  responsetime: ["integer", "smallint"],
  errormessage: ["character varying", "text"],
};
/** A key of its own that some added to the table; it says nothing of the result. */
const MAY_BE_THERE = "id";

/**
 * If `mon_daily` is the older program's plain table, renames it and returns true; returns false where
 * there is nothing of that name.
 *
 * @throws {SchemaError} Where the name is taken by something else, which is left alone
 */
export async function setOlderTableAside(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT c.oid, c.relkind, n.nspname AS schema, current_schema() AS home,
       EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhparent, inhrelid)) AS inherits,
       to_regclass($1) IS NOT NULL AS renamed_before
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = to_regclass('mon_daily')`,
    [OLDER_TABLE],
  );
  const found = rows[0];
  if (!found) return false;
  if (found.schema !== found.home) {
    throw new SchemaError(
      `"mon_daily" is in schema "${found.schema}", but the tables would be made in ` +
        `"${found.home}": set the search_path to one of them (DSN key "options")`,
    );
  }
  if (found.relkind !== "r" || found.inherits) throw notOlder("it is not a plain table");
  await checkColumns(client, found.oid);
  if (found.renamed_before) {
    throw new SchemaError(
      `"mon_daily" is to be renamed to "${OLDER_TABLE}", but that name is taken: rename that one`,
    );
  }
  await client.query(`ALTER TABLE mon_daily RENAME TO ${OLDER_TABLE}`);
  return true;
}

async function checkColumns(client: ClientBase, table: number): Promise<void> {
  const { rows } = await client.query(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped`,
    [table],
  );
  const found = new Map<string, string>(rows.map(({ name, type }) => [name, type]));
  found.delete(MAY_BE_THERE);
  for (const [name, types] of Object.entries(COLUMNS)) {
    const type = found.get(name);
    if (type === undefined) throw notOlder(`it has no column "${name}"`);
    if (!types.includes(type)) {
      throw notOlder(`column "${name}": expected ${types.join(" or ")}, found ${type}`);
    }
    found.delete(name);
  }
  const [unknown] = found.keys();
  if (unknown !== undefined) throw notOlder(`unknown column "${unknown}"`);
}

function notOlder(why: string): SchemaError {
  return new SchemaError(
    `"mon_daily" is there, but is not the older program's table: ${why}; nothing was changed, ` +
      "rename it or use another database",
  );
}
