import type { Pool } from "pg";
import type { ServiceMode } from "../../runtime/cli/modes.ts";
import { type Finding, findingOf } from "../../runtime/cli/finding.ts";
import { migrationsLeft } from "../schema/migrate.ts";
import { SchemaError } from "../schema/schema_error.ts";
import { explainFailure } from "./explain_failure.ts";
import { withClient } from "./transaction.ts";

/** The least that tells whether a role is what a mode needs; db/schema/roles.sql has all. */
const MODES_BY_RIGHT = `SELECT unnest(modes) AS mode FROM (VALUES
  ('{writer,restore}'::text[], has_function_privilege('httpmon_ensure_partitions(date[])', 'EXECUTE')
    AND has_table_privilege('check_results', 'INSERT')
    AND has_table_privilege('consumer_offsets', 'UPDATE')),
  ('{alerts}', has_table_privilege('alert_events', 'DELETE')
    AND has_table_privilege('incidents', 'INSERT')),
  ('{web,dbdump,report}', has_table_privilege('results', 'SELECT')
    AND has_table_privilege('retention', 'SELECT')),
  ('{silence}', has_table_privilege('silences', 'INSERT')),
  ('{replay}', has_column_privilege('dead_letters', 'replayed_at', 'UPDATE')),
  ('{maintain,init-schema}', pg_has_role(
    (SELECT relowner FROM pg_class WHERE oid = 'check_results'::regclass), 'USAGE'))
) AS needs (modes, may) WHERE may`;

/**
 * Whether the database, its tables and a role's rights to them can be had; changes nothing.
 *
 * @param mode That the role is for; null: some
 */
export async function* reachDatabase(
  pool: Pool,
  mode: ServiceMode | null,
): AsyncGenerator<Finding> {
  const ask = async (sql: string) => (await withClient(pool, (client) => client.query(sql))).rows;
  const database = await findingOf("database", async () => {
    const [{ name, version, role, tls }] = await ask(
      `SELECT current_database() AS name, current_setting('server_version') AS version,
         current_user AS role, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls`,
    );
    return `"${name}" of PostgreSQL ${version} as "${role}", ${tls ? "TLS" : "no TLS"}`;
  }, explainFailure);
  yield database;
  if (!database.isFine) return;
  const tables = await findingOf("tables", async () => {
    const left = await withClient(pool, migrationsLeft);
    if (left === 0) return "as this version needs them";
    if (mode === "init-schema") return `${left} migrations are left for it`;
    throw new SchemaError(`${left} migrations are left; run "httpmon init-schema"`);
  }, explainFailure);
  yield tables;
  if (!tables.isFine) return;
  yield await findingOf("rights", async () => {
    const modes = (await ask(MODES_BY_RIGHT)).map(({ mode }) => mode);
    const may = modes.length > 0 ? `for ${modes.join(", ")}` : "for no mode";
    if (mode === null ? modes.length > 0 : modes.includes(mode)) return may;
    throw new SchemaError(`${may}; give the role its rights, see docs/security.md`);
  }, explainFailure);
}
