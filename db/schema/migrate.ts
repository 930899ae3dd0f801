import { createHash } from "node:crypto";
import type { Client, ClientBase, PoolClient } from "pg";
import type { Logger } from "../../runtime/log/log.ts";
import { carryOver, type CarryOverProgress } from "./carry_over.ts";
import { type MigrationFile, migrationFiles } from "./migrations/index.ts";
import { setOlderTableAside } from "./older_table.ts";
import { ensurePartitions, partitionDays } from "./partitions.ts";
import { createPool } from "../connect/pool.ts";
import { SchemaError } from "./schema_error.ts";
import { inTransaction, withClient } from "../connect/transaction.ts";

/** "httpmon" in ASCII: one init-schema at a time in a database. */
const LOCK_KEY = (0x687474706d6f6en).toString();
/** Milliseconds. */
const LOCK_AGAIN_MS = 100;

/** What `migrate` takes beside the database. */
export interface MigrateOptions {
  log: Logger;
  /** Called, and waited for, between the steps in which rows are carried over or filled in. */
  onProgress?: (progress: CarryOverProgress) => unknown;
  /** Called once where another init-schema is at work and this one waits for it. */
  onWait?: () => void;
  /** Ends it at once: the database undoes the migration, or the step, under way. */
  signal?: AbortSignal;
  /** @default the files of migrations/ */
  files?: readonly MigrationFile[];
}

/** What `migrate` has done. */
export interface MigrateResult {
  /** Names of the migrations that were applied now. */
  applied: string[];
  /** Rows of the older program's table that were carried over; null where there was no such table. */
  carriedOver: number | null;
  /** Daily partitions made. */
  partitions: number;
}

/**
 * Makes or upgrades the tables, each migration in a transaction of its own or in steps that can be
 * resumed, and the partitions of the next days. May be run at any time, and by several at once: the later ones wait and find all done.
 *
 * @throws {SchemaError} Where the database is not as any migration left it, or its encoding not UTF8
 */
export async function migrate(dsn: string, options: MigrateOptions): Promise<MigrateResult> {
  const files = options.files ?? await migrationFiles();
  const pool = createPool(dsn, {
    max: 1,
    applicationName: "httpmon-init-schema",
    queryTimeoutMs: 0,
    log: options.log,
  });
  try {
    return await withClient(pool, async (client) => {
      endOnAbort(client, options.signal);
      // A long migration is no fault, whatever the database's defaults are.
      await client.query(
        "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0",
      );
      await checkEncoding(client);
      const result: MigrateResult = { applied: [], carriedOver: null, partitions: 0 };
      for (const file of files) await applyOnce(client, file, files, options, result);
      result.partitions = await ensurePartitions(client, partitionDays(Date.now(), -1, 7));
      return result;
    });
  } finally {
    await pool.end();
  }
}

/**
 * How many migrations are still to be applied, or to be ended.
 *
 * @throws {SchemaError} Where the database is not as any migration left it
 */
export async function migrationsLeft(client: ClientBase): Promise<number> {
  const files = await migrationFiles();
  const steps = [];
  for (const file of files) steps.push(await stepsDone(client, file, files));
  return steps.filter((done) => done !== null).length;
}

function endOnAbort(client: PoolClient, signal?: AbortSignal): void {
  // The types hide it, since a pool closes its clients by itself; here a statement is under way.
  const end = () => void (client as unknown as Client).end().catch(() => {});
  if (signal?.aborted) end();
  else signal?.addEventListener("abort", end, { once: true });
}

/** What a site answers may be in any script; other encodings have no room for it. */
async function checkEncoding(client: ClientBase): Promise<void> {
  const { rows: [{ server_encoding: encoding }] } = await client.query("SHOW server_encoding");
  if (encoding === "UTF8") return;
  throw new SchemaError(
    `The database's encoding is "${encoding}", which cannot hold every text: make one by ` +
      "\"CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0\" and name it in the DSN",
  );
}

async function applyOnce(
  client: ClientBase,
  file: MigrationFile,
  files: readonly MigrationFile[],
  options: MigrateOptions,
  result: MigrateResult,
): Promise<void> {
  await lock(client, options.onWait);
  try {
    const done = await stepsDone(client, file, files);
    if (done === null) return;
    if (file.sql.startsWith("-- resumable")) {
      await applyInSteps(client, file, done, options, result);
    } else {
      await inTransaction(client, "BEGIN", async () => {
        if (file === files[0]) await setOlderTableAside(client);
        await run(client, file, file.sql);
        await note(client, file, 1, true);
      });
    }
    result.applied.push(file.name);
  } finally {
    // Of a connection that is gone, the lock is as well.
    await client.query("SELECT pg_advisory_unlock($1)", [LOCK_KEY]).catch(() => {});
  }
}

/**
 * A file that begins with "-- resumable": its parts, each after a line "-- step", are run one by one
 * outside of a transaction, and an init-schema that comes after one that was interrupted goes on with
 * the part that was under way. So each must bear being run again. "-- step: repeat" is run until it
 * changes no row, for backfills; "-- step: carry over" is code.
 */
async function applyInSteps(
  client: ClientBase,
  file: MigrationFile,
  done: number,
  options: MigrateOptions,
  result: MigrateResult,
): Promise<void> {
  const [, ...parts] = file.sql.split(/^-- step/m);
  for (const [index, part] of parts.entries()) {
    if (index < done) continue;
    const [, kind, sql] = /^(?:: ([a-z ]+))?\r?\n?([^]*)$/.exec(part)!;
    if (kind === "carry over") {
      const step = <T>(work: () => Promise<T>) => inTransaction(client, "BEGIN", work);
      result.carriedOver = await carryOver(client, step, options.onProgress);
    } else {
      let changed = 0, rows: number;
      do {
        rows = await run(client, file, sql!);
        changed += rows;
        if (kind === "repeat") await options.onProgress?.({ done: changed, total: null });
      } while (kind === "repeat" && rows > 0);
    }
    await note(client, file, index + 1, index + 1 === parts.length);
  }
}

/** @returns How many rows the last statement changed */
async function run(client: ClientBase, file: MigrationFile, sql: string): Promise<number> {
  try {
    const { rows: [{ home }] } = await client.query(
      "SELECT quote_ident(current_schema()) AS home",
    );
    const results = await client.query(sql.replaceAll("@home@", home));
    return [results].flat().at(-1)?.rowCount ?? 0;
  } catch (error) {
    throw explain(error, file);
  }
}

/**
 * Of the session. Who waits asks again and again: a statement that waited would be a transaction, which
 * CREATE INDEX CONCURRENTLY of the one at work would wait for in turn.
 */
async function lock(client: ClientBase, onWait?: () => void): Promise<void> {
  for (let tries = 0;; tries++) {
    const { rows: [{ got }] } = await client.query("SELECT pg_try_advisory_lock($1) AS got", [
      LOCK_KEY,
    ]);
    if (got) return;
    if (tries === 0) onWait?.();
    await new Promise((resolve) => setTimeout(resolve, LOCK_AGAIN_MS));
  }
}

/** How many steps of a migration are done; null where all of them are. */
async function stepsDone(
  client: ClientBase,
  file: MigrationFile,
  files: readonly MigrationFile[],
): Promise<number | null> {
  const { rows: [{ made }] } = await client.query(
    "SELECT to_regclass('schema_migrations') IS NOT NULL AS made",
  );
  if (!made) return 0;
  const { rows } = await client.query(
    "SELECT name, hash, steps, applied_at FROM schema_migrations",
  );
  checkHistory(new Map(rows.map(({ name, hash }) => [name, hash])), files);
  const found = rows.find(({ name }) => name === file.name);
  return found?.applied_at ? null : found?.steps ?? 0;
}

async function note(
  client: ClientBase,
  file: MigrationFile,
  steps: number,
  done: boolean,
): Promise<void> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_migrations (
      name text PRIMARY KEY,
      hash text NOT NULL,
      steps int4 NOT NULL,
      applied_at timestamptz
    )`,
  );
  await client.query(
    `INSERT INTO schema_migrations VALUES ($1, $2, $3, CASE WHEN $4 THEN now() END)
     ON CONFLICT (name) DO UPDATE SET steps = excluded.steps, applied_at = excluded.applied_at`,
    [file.name, hashOf(file), steps, done],
  );
}

function checkHistory(done: Map<string, string>, files: readonly MigrationFile[]): void {
  const known = new Map(files.map((file) => [file.name, hashOf(file)]));
  for (const [name, hash] of done) {
    const expected = known.get(name);
    if (expected === undefined) {
      throw new SchemaError(
        `The database has the migration "${name}", which this version of httpmon does not know: ` +
          "use the version that applied it, or a later one",
      );
    }
    if (expected !== hash) {
      throw new SchemaError(
        `The migration "${name}" was changed after it was applied to this database: ` +
          "use an unchanged httpmon; changes belong in a new migration",
      );
    }
  }
}

/** The same on systems that end lines otherwise. */
function hashOf({ sql }: MigrationFile): string {
  return createHash("sha256").update(sql.replaceAll("\r\n", "\n")).digest("hex");
}

function explain(error: unknown, file: MigrationFile): Error {
  const { code, message } = error as { code?: string; message: string };
  // 42P07, 42723, 42710: a table, a function, an object of this name is there already.
  const taken = code === "42P07" || code === "42723" || code === "42710";
  const advice = taken
    ? ': it is not httpmon\'s; give httpmon a database or a schema of its own (DSN key "options")'
    : "";
  return new SchemaError(`The migration "${file.name}" failed: ${message}${advice}`, {
    cause: error,
  });
}
