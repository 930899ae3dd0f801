import { kindOf } from "../channels/index.ts";
import { SendError } from "../channels/kind.ts";
import { readIncidents } from "./compose.ts";
import { type SenderDeps, TIMEOUT_MS } from "./sender.ts";
import { channelWorks } from "./settle.ts";

/** Tells a receiver that forgets what is open, of what it was told of and not told the end. */
export async function keepAlive(name: string, deps: SenderDeps): Promise<void> {
  const { pool, channels, link, fetch, timeoutMs = TIMEOUT_MS } = deps;
  const channel = channels[name]!;
  const { keepAlive } = kindOf(channel);
  if (!keepAlive) return;
  const { rows: [{ now, ids }] } = await pool.query(
    `SELECT now(), coalesce(array_agg(o.incident_id::text), '{}') AS ids
     FROM notifications AS o JOIN incidents AS i ON i.id = o.incident_id
     WHERE o.channel = $1 AND o.event = 'opened' AND o.state = 'sent' AND i.closed_at IS NULL`,
    [name],
  );
  if (ids.length === 0) return;
  const incidents = await readIncidents(pool, ids, link);
  try {
    await keepAlive(incidents, channel, { fetch, nowMs: now.getTime(), timeoutMs });
    await channelWorks(pool, name);
  } catch (cause) {
    if (!(cause instanceof SendError)) throw cause;
    const reason = cause.message;
    deps.log.warn({ channel: name, reason }, "What is open could not be told again");
    await pool.query(
      `UPDATE channels SET failing_since = coalesce(failing_since, now()), error = $2
       WHERE name = $1`,
      [name, reason],
    );
  }
  // An end that was told meanwhile may have been undone by this: it is told once more.
  await pool.query(
    `UPDATE notifications SET state = 'pending' WHERE channel = $1 AND event = 'resolved'
       AND state = 'sent' AND sent_at >= $2 AND incident_id = ANY ($3)`,
    [name, now, ids],
  );
}
