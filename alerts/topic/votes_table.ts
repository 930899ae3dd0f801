import type { ClientBase } from "pg";
import { NEW_VOTES, pass, passesAt, type SiteVotes } from "../state/votes.ts";
import type { AlertEvent } from "../state/view.ts";

/** Votes by site. In one order: agents may put a site's results into several partitions, read side by side. */
export async function lockVotes(
  client: ClientBase,
  siteIds: readonly number[],
): Promise<Map<number, SiteVotes>> {
  const { rows } = await client.query(
    "SELECT site_id, votes FROM site_votes WHERE site_id = ANY ($1) ORDER BY site_id FOR UPDATE",
    [siteIds],
  );
  return new Map(rows.map(({ site_id, votes }) => [site_id, votes ?? NEW_VOTES]));
}

/** Makes places for the votes of sites that are new. */
export async function addVotes(client: ClientBase, siteIds: readonly number[]): Promise<void> {
  await client.query(
    `INSERT INTO site_votes (site_id)
     SELECT id FROM unnest($1::int4[]) AS id
     WHERE NOT EXISTS (SELECT FROM site_votes WHERE site_id = id)
     ORDER BY id ON CONFLICT DO NOTHING`,
    [siteIds],
  );
}

/**
 * Keeps votes; as one JSON, since in an array's literal each quote of theirs would be escaped. `passes_at` is
 * left too early where it need not be exact, as its index costs.
 */
export async function saveVotes(
  client: ClientBase,
  changed: ReadonlyMap<number, SiteVotes>,
  isExact = false,
): Promise<void> {
  await client.query(
    `UPDATE site_votes AS s SET votes = c.votes, passes_at = CASE
       WHEN s.passes_at <= c.passes_at AND NOT $2 THEN s.passes_at ELSE c.passes_at END
     FROM jsonb_to_recordset($1) AS c(site_id int4, votes jsonb, passes_at int8)
     WHERE s.site_id = c.site_id`,
    [
      JSON.stringify(
        Array.from(changed, ([site_id, votes]) => ({ site_id, votes, passes_at: passesAt(votes) })),
      ),
      isExact,
    ],
  );
}

/**
 * Votes that nobody renewed until then are over.
 *
 * @param most Sites
 * @returns What that makes known, and up to when it is done
 */
export async function passVotes(
  client: ClientBase,
  until: number,
  most: number,
): Promise<{ passed: number; events: AlertEvent[] }> {
  const { rows: due } = await client.query(
    `SELECT site_id, passes_at FROM site_votes WHERE passes_at < $1
     ORDER BY passes_at FETCH FIRST ${most} ROWS WITH TIES`,
    [until],
  );
  if (due.length === 0) return { passed: until, events: [] };
  const passed = due.length < most ? until : Number(due.at(-1)!.passes_at) + 1;
  // Waits for who renews them just now.
  const known = await lockVotes(client, due.map(({ site_id }) => site_id));
  const heard = Array.from(known, ([id, votes]) => ({ id, ...pass(id, votes, passed) }));
  await saveVotes(client, new Map(heard.map(({ id, votes }) => [id, votes])), true);
  return { passed, events: heard.flatMap(({ events }) => events) };
}
