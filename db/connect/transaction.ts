import pg, { type ClientBase, type Pool, type PoolClient } from "pg";

/** What the server ends by itself, in milliseconds. */
export interface ServerTimeouts {
  /**
   * A session that is silent in a transaction, so that a frozen writer does not hold its partition.
   *
   * @default 20,000
   */
  idleInTransactionMs?: number;
  /**
   * Waiting for one lock.
   *
   * @default 22,000, longer than a frozen writer can hold one
   */
  lockTimeoutMs?: number;
  /**
   * A statement, its waits for locks included.
   *
   * @default 25,000, so that the answer comes before the pool gives up on it
   */
  statementTimeoutMs?: number;
}

/**
 * SQL for `inTransaction` that begins a writer's transaction. The timeouts are the transaction's: a
 * pooler between us and the server may refuse a session's settings, or hand the session to others.
 */
export function beginWithin(
  { idleInTransactionMs = 20_000, lockTimeoutMs = 22_000, statementTimeoutMs = 25_000 }:
    ServerTimeouts,
): string {
  return `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL idle_in_transaction_session_timeout = ${idleInTransactionMs};
    SET LOCAL lock_timeout = ${lockTimeoutMs};
    SET LOCAL statement_timeout = ${statementTimeoutMs}`;
}

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
    await rollBack(client, error);
    throw error;
  }
  await client.query("COMMIT");
  return result;
}

/** `inTransaction` on a connection that it has for itself, as `withClient` has it. */
export function transaction<T>(
  pool: Pool,
  begin: string,
  work: (client: ClientBase) => Promise<T>,
): Promise<T> {
  return withClient(pool, (client) => inTransaction(client, begin, () => work(client)));
}

/** Rolls back what the server refused; what else failed may have left nobody there to be asked. */
export async function rollBack(client: ClientBase, error: unknown): Promise<void> {
  if (error instanceof pg.DatabaseError) await client.query("ROLLBACK").catch(() => {});
}
