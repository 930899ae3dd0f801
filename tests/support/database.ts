import pg from "pg";
import { waitFor } from "../../local/wait.ts";
import { freshDatabase } from "./stack.ts";

/** A database of one test, and a way to ask it. */
export interface TestDatabase {
  dsn: string;
  // deno-lint-ignore no-explicit-any
  query(sql: string, values?: unknown[]): Promise<any[]>;
  /** The one value of a query that gives one. */
  count(sql: string, values?: unknown[]): Promise<number>;
  /** Waits until `sql` counts `expected`; fails with what it counts after two minutes. */
  reaches(sql: string, expected: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes a migrated database for `await using`; it is dropped at the end of the scope. */
export async function testDatabase(): Promise<TestDatabase> {
  const { dsn, drop } = await freshDatabase();
  const pool = new pg.Pool({ connectionString: dsn, max: 2 });
  const query = async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows;
  const count = async (sql: string, values: unknown[] = []) => {
    const [row] = await query(sql, values);
    return Number(Object.values(row)[0]);
  };
  return {
    dsn,
    query,
    count,
    async reaches(sql, expected) {
      let last = -1;
      try {
        await waitFor(sql, async () => (last = await count(sql)) >= expected, 120_000);
      } finally {
        if (last !== expected) console.error(`"${sql}" gives ${last}, expected ${expected}`);
      }
      if (last !== expected) throw new Error(`"${sql}" gives ${last}, expected ${expected}`);
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
      await drop();
    },
  };
}
