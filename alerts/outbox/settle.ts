import type { Pool } from "pg";
import type { SendError } from "../channels/kind.ts";
import { backoffMs } from "../../runtime/backoff.ts";
import type { Leased } from "./claim.ts";

/** Between the tries of a message that was refused, while others pass. */
const REFUSED_WAITS = { first: 5_000, most: 600_000 };
/** The most between two tries of a channel: what is owed is late by no more once it works again. */
const MOST_WAIT_MS = 30_000;

/** @returns As `channelWorks` */
export async function settleSent(
  pool: Pool,
  channel: string,
  { key }: Leased,
): Promise<Date | null> {
  await pool.query(
    `UPDATE notifications SET state = 'sent', sent_at = now(), error = NULL, leased_until = NULL
     WHERE key = $1 AND state = 'pending'`,
    [key],
  );
  return await channelWorks(pool, channel);
}

/** @returns Since when the channel had failed; null: it had not */
export async function channelWorks(pool: Pool, channel: string): Promise<Date | null> {
  const { rows } = await pool.query<{ since: Date }>(
    `WITH before AS (
       SELECT failing_since FROM channels WHERE name = $1 AND failing_since IS NOT NULL FOR UPDATE
     )
     UPDATE channels SET failing_since = NULL, failures = 0, next_try_at = NULL, error = NULL
     FROM before WHERE name = $1 RETURNING before.failing_since AS since`,
    [channel],
  );
  return rows[0]?.since ?? null;
}

/**
 * Puts a message back. One that is refused waits by itself; else it is the channel that waits, longer
 * each time, and tries again with one message at a time.
 *
 * @param reason Without secrets
 * @param firstWaitMs Of the channel, before it is tried again for the first time
 * @returns Whether the channel worked before
 */
export async function settleFailed(
  pool: Pool,
  channel: string,
  { key, attempts, isProbe }: Leased,
  { isRefused, retryAfterMs }: Pick<SendError, "isRefused" | "retryAfterMs">,
  { reason, firstWaitMs }: { reason: string; firstWaitMs: number },
): Promise<boolean> {
  const ownWaitMs = isRefused ? backoffMs(attempts, REFUSED_WAITS) : 0;
  const { rows } = await pool.query<{ works: boolean }>(
    `WITH back AS (
       UPDATE notifications SET error = $3, leased_until = NULL,
         due_at = CASE WHEN $6 THEN now() + $4 * interval '1 ms' ELSE due_at END
       WHERE key = $2 AND state = 'pending' AND attempts = $5
     ), before AS (
       SELECT failing_since IS NULL AS works,
         -- Of several that were under way when it began, one counts.
         NOT $6 AND ($9 OR failures = 0) AS counts
       FROM channels WHERE name = $1 FOR UPDATE
     )
     UPDATE channels SET error = $3, failing_since = coalesce(failing_since, now()),
       failures = failures + CASE WHEN counts THEN 1 ELSE 0 END,
       next_try_at = CASE WHEN counts THEN now() + interval '1 ms' * coalesce(
           $7, least($8 * 2 ^ least(failures, 30), ${MOST_WAIT_MS}) * (0.5 + random() / 2))
         ELSE next_try_at END
     FROM before WHERE name = $1 RETURNING works`,
    [channel, key, reason, ownWaitMs, attempts, isRefused, retryAfterMs, firstWaitMs, isProbe],
  );
  return rows[0]?.works ?? false;
}
