import type { Pool } from "pg";
import type { WebhookChannel } from "../config/types.ts";
import { adviceFor } from "../db/connect/advice.ts";
import { beginWithin, inTransaction, withClient } from "../db/connect/transaction.ts";
import { backoffMs } from "../runtime/backoff.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { retryUntil } from "../runtime/retry.ts";
import { postWebhook } from "./webhook.ts";

/** At the same time, to one channel. */
const BATCH = 20;
const POLL_MS = 1_000;
const TIMEOUT_MS = 10_000;
/** Longer than a try takes: what a dead alerter has leased is sent by another one after this. */
const LEASE_MS = 30_000;
const FIRST_WAIT_MS = 2_000;
const MOST_WAIT_MS = 600_000;
const GIVE_UP_MS = 86_400_000;

/** What sending is handed. */
export interface SenderDeps {
  pool: Pool;
  channels: Readonly<Record<string, WebhookChannel>>;
  fetch: typeof globalThis.fetch;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /** @default 10,000 */
  timeoutMs?: number;
  /** Before the second try; it doubles from there up to ten minutes. @default 2,000 */
  firstWaitMs?: number;
}

/** Sends what is owed until `signal` aborts; each channel by itself, so that none waits for another. */
export async function sendNotifications(deps: SenderDeps): Promise<void> {
  await Promise.all(Object.keys(deps.channels).map((channel) => sendChannel(channel, deps)));
}

async function sendChannel(channel: string, deps: SenderDeps): Promise<void> {
  const { clock, signal } = deps;
  while (!signal.aborted) {
    const sent = await retryUntil("Sending notifications", async () => {
      const leased = await lease(deps.pool, channel);
      await Promise.all(leased.map((each) => send(channel, each, deps)));
      return leased.length;
    }, { ...deps, advise: adviceFor });
    if (sent?.value !== BATCH) await sleep(clock, POLL_MS, signal);
  }
}

interface Leased {
  id: string;
  key: string;
  body: string;
  attempts: number;
}

/**
 * Takes what is due for a channel, for LEASE_MS. Of an incident only the oldest that is pending: a
 * resolution waits for its opening.
 */
async function lease(pool: Pool, channel: string): Promise<Leased[]> {
  const { rows } = await pool.query<Leased>(
    `WITH due AS (
       SELECT id FROM notifications AS n
       WHERE state = 'pending' AND channel = $1 AND due_at <= now() AND NOT EXISTS (
         SELECT FROM notifications AS earlier
         WHERE earlier.incident_id = n.incident_id AND earlier.channel = n.channel
           AND earlier.id < n.id AND earlier.state = 'pending'
       )
       ORDER BY due_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
     )
     UPDATE notifications AS n
     SET attempts = attempts + 1, due_at = now() + interval '${LEASE_MS} ms'
     FROM due WHERE n.id = due.id
     RETURNING n.id::text, key, body, attempts`,
    [channel],
  );
  return rows;
}

async function send(channel: string, leased: Leased, deps: SenderDeps): Promise<void> {
  const { pool, channels, fetch, clock, log, timeoutMs = TIMEOUT_MS } = deps;
  const { id, key, body, attempts } = leased;
  try {
    const options = { fetch, nowMs: clock.now(), timeoutMs };
    await postWebhook(channels[channel]!, { id: key, body }, options);
  } catch (cause) {
    const error = cause instanceof Error ? cause.message : String(cause);
    // Once each at ERROR: a receiver may be away for long.
    log[attempts === 1 ? "error" : "warn"](
      { channel, notification: key, attempts, reason: error },
      "A notification was not taken, trying again",
    );
    return await putBack(leased, error, deps);
  }
  await pool.query(
    "UPDATE notifications SET state = 'sent', sent_at = now(), error = NULL WHERE id = $1",
    [id],
  );
}

/** Until the next try; after a day it is given up, and with it what was to follow it. */
async function putBack({ id, attempts, key }: Leased, error: string, deps: SenderDeps) {
  const { pool, log, firstWaitMs = FIRST_WAIT_MS } = deps;
  const waitMs = backoffMs(attempts, { first: firstWaitMs, most: MOST_WAIT_MS });
  await withClient(pool, (client) =>
    inTransaction(client, beginWithin({}), async () => {
      // Where the lease ran out and another alerter has it, it is that one's to say.
      const { rows } = await client.query(
        `UPDATE notifications SET error = $2, due_at = now() + $3 * interval '1 ms',
           state = CASE WHEN created_at < now() - interval '${GIVE_UP_MS} ms' THEN 'failed'
             ELSE state END
         WHERE id = $1 AND state = 'pending' AND attempts = $4 RETURNING state`,
        [id, error, waitMs, attempts],
      );
      if (rows[0]?.state !== "failed") return;
      log.error(
        { notification: key, attempts },
        "Giving up a notification that nobody took for a day",
      );
      await client.query(
        `UPDATE notifications AS n SET state = 'failed', error = 'What came before it was given up'
         FROM notifications AS first
         WHERE first.id = $1 AND n.incident_id = first.incident_id AND n.channel = first.channel
           AND n.id > first.id AND n.state = 'pending'`,
        [id],
      );
    }));
}
