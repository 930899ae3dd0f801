import type { ClientBase } from "pg";
import type { AlertEvent } from "../state/view.ts";

/** Hands events on; one that is there already is the same. */
export async function addEvents(client: ClientBase, events: readonly AlertEvent[]): Promise<void> {
  if (events.length === 0) return;
  await client.query(
    `INSERT INTO alert_events (at, kind, site_id, agent, ts, detail)
     SELECT * FROM jsonb_to_recordset($1)
       AS e(at int8, kind text, site int4, agent uuid, ts int8, detail jsonb)
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(events)],
  );
}

/**
 * Takes events of before `at` out, in their order: the earliest ones, `most` of them. At one time the
 * order is that of what they say, so it does not depend on where they came from.
 */
export async function takeEvents(
  client: ClientBase,
  at: number,
  most: number,
): Promise<AlertEvent[]> {
  const { rows } = await client.query(
    `WITH taken AS (
       DELETE FROM alert_events AS e USING (
         SELECT at, kind, site_id, agent, ts FROM alert_events WHERE at < $1
         ORDER BY at, kind, site_id, agent, ts LIMIT $2
       ) AS first
       WHERE (e.at, e.kind, e.site_id, e.agent, e.ts) =
         (first.at, first.kind, first.site_id, first.agent, first.ts)
       RETURNING e.*
     )
     SELECT at::float8, kind, site_id AS site, agent, ts::float8, detail FROM taken
     ORDER BY taken.at, kind, site_id, agent, taken.ts`,
    [at, most],
  );
  return rows;
}
