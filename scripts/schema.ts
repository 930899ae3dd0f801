/** `deno task schema`: writes db/schema.sql, what all migrations together make of an empty database. */
import pg from "pg";
import { migrate } from "../db/schema/migrate.ts";
import { dataFolder } from "../local/data_folder.ts";
import { startPostgres } from "../local/postgres/postgres.ts";
import { createLogger } from "../runtime/log/log.ts";
import { describeSchema } from "./schema/describe.ts";

export const FILE = new URL("../db/schema.sql", import.meta.url);
export const HEAD =
  "-- What the migrations make, as PostgreSQL 18 tells it: written by `deno task schema`.\n\n";

if (import.meta.main) {
  const folder = await dataFolder();
  const server = await startPostgres({ folder: folder.path });
  try {
    await migrate(server.dsn, { log: createLogger({ loglevel: "ERROR", secrets: [] }, "schema") });
    const client = new pg.Client({ connectionString: server.dsn });
    await client.connect();
    await Deno.writeTextFile(FILE, HEAD + await describeSchema(client));
    await client.end();
  } finally {
    await server.stop();
    await folder.close();
  }
  Deno.exit(0);
}
