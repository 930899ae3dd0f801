import pg, { type Pool, type PoolClient } from "pg";
import { inTransaction, withClient } from "../connect/transaction.ts";

/** What a maintainer's transaction is. */
export interface MaintainerTransaction {
  /** One snapshot for all of it, taken once the lock is there. @default false */
  oneSnapshot?: boolean;
  /** Milliseconds to wait for another maintainer; 0: as long as it takes. */
  waitMs: number;
}

/** Another maintainer is at work. */
export const BUSY = Symbol("busy");

/**
 * Runs `work` in a transaction that one maintainer at a time can have. The lock is a table's, which
 * nobody else takes: unlike an advisory one it can be had before the snapshot is taken, so that all
 * is seen that the maintainer before has done; and it ends with the transaction, also behind a pooler.
 *
 * @throws What the server refuses; `lock_not_available` of `work` too
 */
export async function asMaintainer<T>(
  pool: Pool,
  { oneSnapshot = false, waitMs }: MaintainerTransaction,
  work: (client: PoolClient) => Promise<T>,
): Promise<T | typeof BUSY> {
  const level = oneSnapshot ? "REPEATABLE READ" : "READ COMMITTED";
  // A frozen maintainer holds up the others for a minute. Whoever asks is no writer: its own
  // statements are bounded by what they do.
  const begin = `BEGIN ISOLATION LEVEL ${level} READ WRITE;
    SET LOCAL idle_in_transaction_session_timeout = 60000;
    SET LOCAL statement_timeout = 0;
    SET LOCAL timezone = 'UTC';
    SET LOCAL datestyle = 'ISO';
    SET LOCAL lock_timeout = ${waitMs}`;
  return await withClient(pool, (client) =>
    inTransaction(client, begin, async () => {
      try {
        await client.query("SAVEPOINT before; LOCK TABLE retention IN SHARE ROW EXCLUSIVE MODE");
      } catch (error) {
        if (!isHeld(error)) throw error;
        await client.query("ROLLBACK TO before");
        return BUSY;
      }
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      return await work(client);
    }));
}

/** Who waits for a strong lock holds up all who come behind: short turns, and again later. */
export const LOCK_TIMEOUT_MS = 1_000;

/** Whether a statement failed because others hold what it needs: a lock, or a snapshot. */
export function isHeld(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === "55P03" || error.code === "57014");
}
