/**
 * Where the migrations' text is. The Node bundle has no files beside it, so its build puts a module
 * in this one's place that gives the same array from text (scripts/build_node.ts).
 */
import { readdir, readFile } from "node:fs/promises";

/** One file of this folder. */
export interface MigrationFile {
  /** "000001_tables.sql"; the number orders them. */
  name: string;
  /** "@home@" in it stands for the schema; see migrate.ts for what begins with "-- resumable". */
  sql: string;
}

/** All migrations, in order of their numbers. */
export async function migrationFiles(): Promise<MigrationFile[]> {
  const folder = new URL("./", import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return await Promise.all(
    names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), "utf8") })),
  );
}
