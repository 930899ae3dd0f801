import type { ClientBase, Pool } from "pg";

/**
 * Gives `role` what a writer needs and nothing more, in the schema where the tables are: it can store
 * results and make partitions, but change, delete or drop nothing that is stored.
 */
export async function grantWriter(client: ClientBase | Pool, role: string): Promise<void> {
  const { rows: [names] } = await client.query(
    "SELECT quote_ident(current_schema()) AS schema, quote_ident($1) AS role",
    [role],
  );
  await client.query(writerGrants(names.schema, names.role));
}

/** The SQL of it, both names quoted where need be. */
export function writerGrants(schema: string, role: string): string {
  return `GRANT USAGE ON SCHEMA ${schema} TO ${role};
GRANT SELECT, INSERT ON agents, sites, contexts, connections, reasons, certificates,
  site_certificates, check_results, evidence, dead_letters TO ${role};
GRANT UPDATE (last_seen) ON agents, sites, contexts, connections, reasons, certificates,
  site_certificates TO ${role};
GRANT INSERT ON rollup_marks TO ${role};
GRANT SELECT, INSERT, UPDATE ON consumer_offsets TO ${role};
GRANT SELECT ON retention, schema_migrations TO ${role};
GRANT EXECUTE ON FUNCTION httpmon_ensure_partitions(date[]) TO ${role};
`;
}
