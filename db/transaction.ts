import pg, { type ClientBase, type Pool, type PoolClient } from "pg";

/**
 * Runs `work` with one connection of the pool. The connection is given back if `work` succeeds, and
 * closed if it fails, as nobody knows what state it is in: a statement that timed out here may still
 * run there.
 */
export async function withClient<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let failed = true;
  try {
    const result = await work(client);
    failed = false;
    return result;
  } finally {
    client.release(failed);
  }
}

/**
 * Runs `work` in a transaction: committed if it succeeds, rolled back if the server refuses a
 * statement. After any other error the connection must be closed, which rolls back as well: it may be
 * dead, and a ROLLBACK sent on it wait for ever.
 *
 * @param begin SQL that begins it and sets what holds in it
 */
export async function inTransaction<T>(
  client: ClientBase,
  begin: string,
  work: () => Promise<T>,
): Promise<T> {
  await client.query(begin);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    if (error instanceof pg.DatabaseError) await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
  await client.query("COMMIT");
  return result;
}
