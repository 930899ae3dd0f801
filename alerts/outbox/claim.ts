import type { ClientBase, Pool } from "pg";
import { beginWithin, transaction } from "../../db/connect/transaction.ts";
import { allOf, type Matcher } from "../../config/matchers.ts";
import { labelsOf } from "./routes.ts";
import { type Candidate, MANY, plan, type Planned, type PlanOptions, type Thread } from "./plan.ts";

/** What is sent to one channel at the same time. */
export const BATCH = 20;
/** Longer than a try takes: what a dead alerter has leased is sent by another one after this. */
const LEASE_MS = 30_000;
/** What is looked at in one go. */
const MOST_CANDIDATES = 20_000;

/** A message that is leased, to be sent now. */
export interface Leased extends Planned {
  /** Whether the channel fails, and this one is to show whether it works again. */
  isProbe: boolean;
}

export interface ClaimOptions extends Pick<PlanOptions, "groupWaitMs" | "sitesAt"> {
  most?: number;
  hasThreads?: boolean;
}

/**
 * Takes what a channel is to be sent now, for LEASE_MS: BATCH messages at the most, or one while tries
 * fail. One alerter at a time does so for a channel, so that what belongs together is taken together.
 */
export async function claim(
  pool: Pool,
  channel: string,
  options: ClaimOptions,
): Promise<Leased[]> {
  // Most often there is nothing, which costs no transaction.
  const { rows: due } = await pool.query(
    `SELECT FROM notifications WHERE channel = $1 AND state = 'pending' AND due_at <= now() LIMIT 1`,
    [channel],
  );
  if (due.length === 0) return [];
  return await transaction(pool, beginWithin({}), async (client) => {
    const { rows: [state] } = await client.query<{ failures: number; waits: boolean }>(
      `SELECT failures, coalesce(next_try_at > now(), false) AS waits FROM channels
         WHERE name = $1 FOR UPDATE SKIP LOCKED`,
      [channel],
    );
    if (!state || state.waits) return [];
    const candidates = await withoutSilenced(client, await candidatesOf(client, channel));
    if (candidates.length === 0) return [];
    const { most = Infinity, hasThreads = false } = options;
    const planned = plan(candidates, {
      ...options,
      most,
      hasThreads,
      threads: await threadsOf(client, candidates),
      recentStorms: candidates.length > MANY ? await recentStorms(client, channel) : 0,
    });
    const isProbe = state.failures > 0;
    const now = isProbe
      // The least tried: one that never passes is not to hold up the others.
      ? planned.toSorted((a, b) => a.attempts - b.attempts).slice(0, 1)
      : planned.slice(0, BATCH);
    await lease(client, now);
    if (isProbe && now.length > 0) {
      await client.query(
        `UPDATE channels SET next_try_at = now() + interval '${LEASE_MS} ms' WHERE name = $1`,
        [channel],
      );
    }
    return now.map((one) => ({ ...one, attempts: one.attempts + 1, isProbe }));
  });
}

interface Row extends Omit<Candidate, "includesOpening"> {
  openedState: string;
  /** What silences are asked of. */
  severity: string;
  labels: Record<string, string>;
  name: string;
  url: string;
}

type Found = Candidate & Row;

/**
 * Of each incident whose turn has come, what is to be said next. A resolution waits for its opening;
 * where nobody was told of that, it says both.
 */
async function candidatesOf(client: ClientBase, channel: string): Promise<Found[]> {
  const { rows } = await client.query<Row>(
    `WITH heads AS (
       SELECT DISTINCT ON (incident_id) incident_id, due_at, leased_until FROM notifications
       WHERE channel = $1 AND state = 'pending' ORDER BY incident_id, id
     )
     SELECT n.id::text, n.key, n.incident_id::text AS "incidentId", n.event, n.attempts,
       (extract(epoch FROM now() - n.due_at) * 1000)::float8 AS "ageMs",
       o.key AS thread, o.state AS "openedState", i.kind,
       -- Agents that fall silent together are told of together, however many sites each had.
       CASE WHEN i.kind = 'agent_silent' THEN ''
         ELSE coalesce(i.evidence -> 0 -> 'seen' ->> 'reason', i.cause) END AS reason,
       coalesce(substring(s.url FROM '^[^/]*//([^/?#]*)'), '') AS host,
       coalesce(i.evidence -> 0 -> 'seen' ->> 'certificate', '') AS certificate,
       i.severity, i.labels, coalesce(s.name, s.url, i.channel, i.agent::text) AS name,
       coalesce(s.url, '') AS url
     FROM notifications AS n
     JOIN heads AS h USING (incident_id)
     JOIN notifications AS o
       ON o.incident_id = n.incident_id AND o.channel = n.channel AND o.event = 'opened'
     JOIN incidents AS i ON i.id = n.incident_id
     LEFT JOIN sites AS s ON s.id = i.site_id
     WHERE n.channel = $1 AND n.state = 'pending' AND h.due_at <= now()
       AND coalesce(h.leased_until <= now(), true)
     ORDER BY n.id LIMIT ${MOST_CANDIDATES} FOR UPDATE OF n SKIP LOCKED`,
    [channel],
  );
  const chosen: Found[] = [];
  const overtaken: Row[] = [];
  for (const ofIncident of Map.groupBy(rows, ({ incidentId }) => incidentId).values()) {
    const [first] = ofIncident;
    const last = ofIncident.at(-1)!;
    const next = last.event === "resolved" ? last : first!;
    if (next === last) overtaken.push(...ofIncident.slice(0, -1));
    const includesOpening = next.event === "resolved" && next.openedState !== "sent";
    chosen.push({ ...next, includesOpening });
  }
  if (overtaken.length > 0) {
    await client.query(
      `UPDATE notifications
       SET state = CASE WHEN event = 'opened' THEN 'merged' ELSE 'withdrawn' END
       WHERE id = ANY ($1)`,
      [overtaken.map(({ id }) => id)],
    );
  }
  return chosen;
}

/** Holds back what opens in a silence until that is over; nobody is reminded in it. */
async function withoutSilenced(client: ClientBase, found: readonly Found[]): Promise<Found[]> {
  const { rows } = await client.query<{ id: string; matchers: Matcher[] }>(
    "SELECT id::text, matchers FROM silences WHERE starts_at <= now() AND ends_at > now()",
  );
  const silences = rows.map(({ id, matchers }) => ({ id, matches: allOf(matchers) }));
  const held: { id: string; silence: string }[] = [];
  const rest = found.filter((one) => {
    if (one.attempts > 0 || one.event !== "opened" && one.event !== "reminder") return true;
    const labels = labelsOf(one);
    const silence = silences.find(({ matches }) => matches(labels));
    if (silence) held.push({ id: one.id, silence: silence.id });
    return !silence;
  });
  if (held.length > 0) {
    await client.query(
      `UPDATE notifications AS n SET due_at = s.ends_at, silence_id = s.id,
         state = CASE event WHEN 'reminder' THEN 'withdrawn' ELSE state END
       FROM unnest($1::int8[], $2::int8[]) AS h(id, silence) JOIN silences AS s ON s.id = silence
       WHERE n.id = h.id`,
      [held.map(({ id }) => id), held.map(({ silence }) => silence)],
    );
  }
  return rest;
}

async function threadsOf(
  client: ClientBase,
  candidates: readonly Candidate[],
): Promise<Map<string, Thread>> {
  const keys = new Set(
    candidates.filter(({ event }) => event === "resolved").map(({ thread }) => thread),
  );
  if (keys.size === 0) return new Map();
  const { rows } = await client.query<Thread & { key: string }>(
    `SELECT o.key, count(DISTINCT o.id)::int AS size,
       (count(DISTINCT o.id) FILTER (WHERE i.closed_at IS NULL))::int AS left,
       (count(DISTINCT r.key) FILTER (WHERE r.state = 'sent'))::int AS resolutions
     FROM notifications AS o
     JOIN incidents AS i ON i.id = o.incident_id
     LEFT JOIN notifications AS r
       ON r.incident_id = o.incident_id AND r.channel = o.channel AND r.event = 'resolved'
     WHERE o.key = ANY ($1) AND o.event = 'opened' GROUP BY o.key`,
    [[...keys]],
  );
  return new Map(rows.map(({ key, ...thread }) => [key, thread]));
}

/** How often it was many at once in the last minute, in however many messages. */
async function recentStorms(client: ClientBase, channel: string): Promise<number> {
  const { rows: [row] } = await client.query<{ storms: number }>(
    // What is leased in one go has one time.
    `SELECT count(DISTINCT at)::int AS storms FROM (
       SELECT min(first_tried_at) AS at FROM notifications
       WHERE channel = $1 AND event = 'opened' AND first_tried_at > now() - interval '60 s'
       GROUP BY key HAVING count(*) > ${MANY}) AS messages`,
    [channel],
  );
  return row!.storms;
}

async function lease(client: ClientBase, messages: readonly Planned[]): Promise<void> {
  const pairs = messages.flatMap(({ key, ids }) => ids.map((id) => [id, key]));
  if (pairs.length === 0) return;
  await client.query(
    `UPDATE notifications AS n
     SET key = l.key, attempts = attempts + 1, leased_until = now() + interval '${LEASE_MS} ms',
       first_tried_at = coalesce(first_tried_at, now())
     FROM unnest($1::int8[], $2::uuid[]) AS l(id, key) WHERE n.id = l.id`,
    [pairs.map(([id]) => id), pairs.map(([, key]) => key)],
  );
}
