import type { Pool } from "pg";
import { rowsOf } from "../sql.ts";

/** What results share, and name by the id of a row. Times are milliseconds since 1970. */
export interface Dimension {
  sites: { name: string | null; url: string };
  agents: { uuid: string };
  contexts: {
    location: string | null;
    /** The agent's, and the site's. */
    labels: Record<string, string> | null;
    siteLabels: Record<string, string> | null;
    frequency: number | null;
  };
  reasons: { reason: string | null; errorMessage: string | null };
  connections: { expiresAt: number | null };
}
type Kind = keyof Dimension;

const COLUMNS: Record<Kind, string> = {
  sites: "name, url",
  agents: "identity AS uuid",
  contexts: "location, labels, site_labels, frequency",
  reasons: "reason, error_message",
  connections: "expires_at",
};

/** The numbers by which results name each kind, null where one names none. */
export type Named = Record<Kind, readonly (number | null)[]>;

/** The rows that results name, each read and held once, however many results name it. */
export class Dimensions {
  readonly #pool: Pool;
  readonly #known: { [K in Kind]: Map<number, Dimension[K]> } = {
    sites: new Map(),
    agents: new Map(),
    contexts: new Map(),
    reasons: new Map(),
    connections: new Map(),
  };

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Reads what is not known yet. @param only Whether to forget all else */
  async know(named: Named, { only = false } = {}): Promise<void> {
    await Promise.all((Object.keys(COLUMNS) as Kind[]).map(async (kind) => {
      const known: Map<number, unknown> = this.#known[kind];
      const needed = new Set(named[kind]);
      const missing = [...needed].filter((id) => id !== null && !known.has(id));
      if (missing.length > 0) {
        const sql = `SELECT id, ${COLUMNS[kind]} FROM ${kind} WHERE id = ANY ($1)`;
        const rows = await rowsOf<{ id: number }>(this.#pool, sql, [missing]);
        for (const { id, ...row } of rows) known.set(id, row);
      }
      if (only) { for (const id of known.keys()) if (!needed.has(id)) known.delete(id); }
    }));
  }

  /** What was read. @param id Null where a result names none */
  get<K extends Kind>(kind: K, id: number | null): Dimension[K] | null {
    return id === null ? null : this.#known[kind].get(id) ?? null;
  }
}
