import type { ClientBase, Pool } from "pg";
import { UsageError } from "../../runtime/cli/exit_codes.ts";

const UNITS: Record<string, string> = { s: "sec", m: "min", h: "hour", d: "day", w: "week" };

/**
 * Reads a time that a person wrote: one that PostgreSQL reads, in the session's time zone unless it
 * says otherwise, or so long ago, as "90s", "15m", "1h", "7d" or "2w".
 *
 * @param name Of the option
 * @returns The time as PostgreSQL writes it
 * @throws {UsageError} Where it is none
 */
export async function readTime(
  client: ClientBase | Pool,
  name: string,
  text: string,
): Promise<string> {
  const [, count, unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  try {
    const { rows } = count === undefined
      ? await client.query("SELECT $1::timestamptz::text AS time", [text])
      : await client.query("SELECT (now() - $1::interval)::text AS time", [
        `${count} ${UNITS[unit]}`,
      ]);
    return rows[0].time;
  } catch (error) {
    if (!(error as { code?: string }).code?.startsWith("22")) throw error;
    throw new UsageError(
      `Option "--${name}" needs a time such as 2026-01-31, "2026-01-31 12:00:00" or 7d, found "${text}"`,
      { cause: error },
    );
  }
}
