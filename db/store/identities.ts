import type { ClientBase } from "pg";
import { idsOf } from "./ids.ts";

/** What the tables call a site: its URL, and its name where it has one. */
export interface SiteKey {
  url: string;
  name: string | null;
}

/**
 * The ids of these sites in the same order, made where they are missing. Nothing is remembered from
 * one call to the next: an id from before a rollback, or before the database was put back to an older
 * copy, may be another site's now; and the look-up costs a hundredth of storing the results.
 *
 * @param sites Without repetition
 */
export function siteIds(client: ClientBase, sites: readonly SiteKey[]): Promise<number[]> {
  const columns = [sites.map(({ url }) => url), sites.map(({ name }) => name)];
  return idsOf(client, "site", columns, {
    find: `SELECT k.n::int4, s.id
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(url, name, n)
       JOIN sites s ON s.identity = httpmon_site_identity(k.name, k.url)
         AND s.url = k.url AND s.name IS NOT DISTINCT FROM k.name`,
    findBy: 2,
    // All in one order, so that two writers that make the same sites cannot deadlock.
    insert: `INSERT INTO sites (url, name)
       SELECT url, name FROM unnest($1::text[], $2::text[]) AS k(url, name)
       ORDER BY httpmon_site_identity(name, url)
       ON CONFLICT DO NOTHING`,
  });
}

/**
 * The ids of these agents in the same order, made where they are missing.
 *
 * @param uuids Without repetition
 */
export function agentIds(client: ClientBase, uuids: readonly string[]): Promise<number[]> {
  return idsOf(client, "agent", [uuids], {
    find: `SELECT k.n::int4, a.id FROM unnest($1::uuid[]) WITH ORDINALITY AS k(uuid, n)
       JOIN agents a USING (uuid)`,
    findBy: 1,
    insert: `INSERT INTO agents (uuid) SELECT uuid FROM unnest($1::uuid[]) AS k(uuid)
       ORDER BY uuid ON CONFLICT DO NOTHING`,
  });
}
