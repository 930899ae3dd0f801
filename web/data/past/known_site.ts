import type { Pool } from "pg";
import { rowsOf } from "../sql.ts";

/** A site that may not have been heard of lately. */
export interface KnownSite {
  id: number;
  /** Or its URL, where it has none. */
  name: string;
  url: string;
  isNamed: boolean;
}

/** @returns Null where there is none with this id */
export async function knownSite(pool: Pool, id: number): Promise<KnownSite | null> {
  const [site = null] = await rowsOf<KnownSite>(
    pool,
    "SELECT id, coalesce(name, url) AS name, url, name IS NOT NULL AS is_named FROM sites WHERE id = $1",
    [id],
  );
  return site;
}
