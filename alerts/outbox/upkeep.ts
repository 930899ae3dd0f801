import type { ClientBase, Pool } from "pg";
import { adviceFor } from "../../db/connect/advice.ts";
import { beginWithin, transaction } from "../../db/connect/transaction.ts";
import { sleep } from "../../runtime/clock.ts";
import { retryUntil } from "../../runtime/retry.ts";
import { openIncidents, oweResolved } from "../incidents.ts";
import { keepAlive } from "./keep_alive.ts";
import type { Route } from "./routes.ts";
import type { SenderDeps } from "./sender.ts";

const EVERY_MS = 10_000;
const KEEP_ALIVE_MS = 60_000;
/** A channel that fails for so long is an incident. */
const FAILS = "interval '5 min'";
const GIVE_UP = "interval '1 day'";

/** What upkeep is handed. */
export interface UpkeepDeps extends SenderDeps {
  route: Route;
  /** Null: nobody is reminded. */
  reminderMs: number | null;
}

/**
 * What sending needs beside it, until `signal` aborts: reminders, what is given up, channels that fail as
 * incidents, receivers that forget what they are not told again, and the numbers for the metrics.
 */
export async function keepUp(deps: UpkeepDeps): Promise<void> {
  const { clock, signal } = deps;
  let keptAlive = -Infinity;
  while (!signal.aborted) {
    const now = clock.monotonic();
    const isDue = now - keptAlive >= KEEP_ALIVE_MS;
    if (isDue) keptAlive = now;
    await retryUntil("Keeping notifications in order", async () => {
      await alone(deps.pool, async (client) => {
        await giveUp(client, deps);
        await remind(client, deps);
        await openForChannels(client, deps);
        await closeForChannels(client, deps);
      });
      if (isDue) await Promise.all(Object.keys(deps.channels).map((name) => keepAlive(name, deps)));
      deps.stats.channels = await channelsNow(deps);
    }, { ...deps, advise: adviceFor });
    await sleep(clock, EVERY_MS, signal);
  }
}

/** In a transaction that one alerter at a time is in; the others leave it to that one. */
async function alone(pool: Pool, work: (client: ClientBase) => Promise<void>): Promise<void> {
  await transaction(pool, beginWithin({}), async (client) => {
    const { rows: [lock] } = await client.query(
      "SELECT pg_try_advisory_xact_lock(hashtext('httpmon notifications')) AS is_ours",
    );
    if (lock.is_ours) await work(client);
  });
}

/** What was tried for a day, what waits behind a channel that failed for a day, and what it had before. */
async function giveUp(client: ClientBase, { channels, log, stats }: UpkeepDeps): Promise<void> {
  const { rows } = await client.query<{ channel: string; n: number }>(
    `WITH given_up AS (
       UPDATE notifications SET state = 'failed', leased_until = NULL,
         error = coalesce(error, 'The channel took nothing for a day')
       WHERE state = 'pending' AND coalesce(leased_until <= now(), true) AND (
         first_tried_at < now() - ${GIVE_UP} OR due_at < now() - ${GIVE_UP} AND (
           NOT channel = ANY ($1)
           OR channel IN (SELECT name FROM channels WHERE failing_since < now() - ${GIVE_UP})))
       RETURNING id, incident_id, channel, event
     ), behind AS (
       UPDATE notifications AS n SET state = 'failed', error = 'What came before it was given up'
       FROM given_up AS g
       WHERE g.event = 'opened' AND n.incident_id = g.incident_id AND n.channel = g.channel
         AND n.id > g.id AND n.state = 'pending'
     )
     SELECT channel, count(*)::int AS n FROM given_up GROUP BY channel`,
    [Object.keys(channels)],
  );
  for (const { channel, n } of rows) {
    if (channel in stats.givenUp) stats.givenUp[channel]! += n;
    log.error({ channel, notifications: n }, "Giving up notifications that nobody took for a day");
  }
}

async function remind(client: ClientBase, { channels, reminderMs }: UpkeepDeps): Promise<void> {
  if (reminderMs === null) return;
  await client.query(
    `INSERT INTO notifications (incident_id, channel, event)
     SELECT o.incident_id, o.channel, 'reminder'
     FROM incidents AS i JOIN notifications AS o ON o.incident_id = i.id
     WHERE i.closed_at IS NULL AND i.acknowledged_at IS NULL
       AND o.event = 'opened' AND o.state = 'sent' AND o.channel = ANY ($1) AND NOT EXISTS (
         SELECT FROM notifications AS n
         WHERE n.incident_id = o.incident_id AND n.channel = o.channel AND (n.state = 'pending'
           OR coalesce(n.sent_at, n.created_at) > now() - $2 * interval '1 ms'))`,
    [Object.keys(channels), reminderMs],
  );
}

/** Said by the other channels. */
async function openForChannels(client: ClientBase, deps: UpkeepDeps): Promise<void> {
  const { rows } = await client.query(
    `SELECT name, extract(epoch FROM failing_since)::float8 * 1e6 AS "openedAt", error AS cause
     FROM channels WHERE failing_since < now() - ${FAILS} AND name = ANY ($1)`,
    [Object.keys(deps.channels)],
  );
  const is = { kind: "channel_failed", severity: "critical", labels: {} };
  await openIncidents(
    client,
    rows.map(({ name, openedAt, cause }) => {
      const told = deps.route({ ...is, name, url: "", channels: null })
        .filter((other) => other !== name);
      const subject = { channel: name };
      return { ...is, subject, openedAt, cause, locations: [], evidence: [], told };
    }),
  );
}

async function closeForChannels(client: ClientBase, deps: UpkeepDeps): Promise<void> {
  const { rows } = await client.query(
    `UPDATE incidents SET closed_at = now() WHERE channel IS NOT NULL AND closed_at IS NULL
       AND NOT channel IN (
         SELECT name FROM channels WHERE failing_since IS NOT NULL AND name = ANY ($1))
     RETURNING id, NULL AS at`,
    [Object.keys(deps.channels)],
  );
  if (rows.length > 0) await oweResolved(client, rows);
}

async function channelsNow({ pool, channels }: UpkeepDeps) {
  const { rows } = await pool.query<
    { name: string; pending: number; oldestS: number; failing: boolean }
  >(
    `SELECT c.name, count(n.id)::int AS pending, c.failing_since IS NOT NULL AS failing,
       coalesce(extract(epoch FROM now() - min(n.due_at)), 0)::float8 AS "oldestS"
     FROM channels AS c LEFT JOIN notifications AS n
       ON n.channel = c.name AND n.state = 'pending' AND n.due_at <= now()
     WHERE c.name = ANY ($1) GROUP BY c.name, c.failing_since`,
    [Object.keys(channels)],
  );
  return rows;
}
