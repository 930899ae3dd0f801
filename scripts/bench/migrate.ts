/**
 * `deno task bench migrate [ROWS]`: migrates a database of ten million results while a writer stores, and
 * prints how long the writer was held up at most; on a PostgreSQL of its own.
 */
import { dataFolder } from "../../local/data_folder.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { migrateUnderLoad } from "../migrate/under_load.ts";

const rows = Number(Deno.args[0] ?? 10_000_000);
const folder = await dataFolder();
const server = await startPostgres({ folder: folder.path, settings: { max_wal_size: "4GB" } });
try {
  const { applied, migrateMs, batches, longestMs } = await migrateUnderLoad(
    server.dsn,
    rows,
    (line) => console.error(line),
  );
  console.log(
    `${applied.length} migrations of ${rows} results in ${(migrateMs / 1000).toFixed(0)} s; ` +
      `meanwhile ${batches} batches were stored, the slowest in ${longestMs.toFixed(0)} ms`,
  );
} finally {
  await server.stop();
  await folder.close();
}
Deno.exit(0);
