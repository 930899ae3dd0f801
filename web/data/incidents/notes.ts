import type { Pool } from "pg";
import { rowsOf } from "../sql.ts";

/** What somebody said of an incident. */
export interface Note {
  incidentId: string;
  /** Milliseconds since 1970. */
  at: number;
  author: string | null;
  isPublic: boolean;
  text: string;
}

/** What was said of these, the oldest first. */
export async function notesOf(pool: Pool, ids: readonly string[]): Promise<Note[]> {
  if (ids.length === 0) return [];
  return await rowsOf(
    pool,
    `SELECT incident_id, at, author, is_public, text FROM incident_notes
     WHERE incident_id = ANY ($1) ORDER BY id`,
    [ids],
  );
}

/** Says that somebody is at it. @returns False where it is not there or over; who was first stays */
export async function acknowledge(
  operator: Pool,
  id: string,
  by: string | null,
): Promise<boolean> {
  const { rows: [row] } = await operator.query(
    `SELECT httpmon_acknowledge($1, $2) OR EXISTS (
       SELECT FROM incidents WHERE id = $1 AND closed_at IS NULL) AS is_open`,
    [id, by],
  );
  return row.is_open;
}

/** @returns False where there is no such incident */
export async function addNote(
  operator: Pool,
  id: string,
  { author, isPublic, text }: Omit<Note, "incidentId" | "at">,
): Promise<boolean> {
  const { rowCount } = await operator.query(
    `INSERT INTO incident_notes (incident_id, author, is_public, text)
     SELECT id, $2, $3, $4 FROM incidents WHERE id = $1`,
    [id, author, isPublic, text],
  );
  return rowCount === 1;
}
