import type { Pool, PoolClient } from "pg";
import { UsageError } from "../../runtime/exit_codes.ts";
import { selectMessages, toMessage } from "./rows.ts";
import { inTransaction, withClient } from "../connect/transaction.ts";

/** Which results are dumped; null and absent mean all. */
export interface DumpFilter {
  /** First moment that is in, as PostgreSQL reads times; UTC where no zone is given. */
  since?: string | null;
  /** First moment that is out. */
  until?: string | null;
  /** A URL, or a site's name. */
  url?: string | null;
  /** The most results. */
  limit?: number | null;
}

/** Rows in memory at a time; one with evidence has some kilobytes. */
const ROWS = 1000;

/** A slow reader is no fault, and local time is none of our business. */
const BEGIN = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL timezone = 'UTC';
  SET LOCAL datestyle = 'ISO';
  SET LOCAL extra_float_digits = 1;
  SET LOCAL statement_timeout = 0;
  SET LOCAL idle_in_transaction_session_timeout = 0`;

/**
 * Hands every stored result that `filter` lets through to `write`, ordered by ts, as JSON lines with
 * the message's field names. Memory does not grow with the number of results, here or in the server:
 * it reads day by day, as sorting all of them at once would write them to disk first. All days are
 * seen as they were when it began.
 *
 * @param write Takes one or more whole lines, each with its line break; the next come when it resolves
 * @param signal Ends it early
 * @returns How many results were written
 * @throws {UsageError} Where PostgreSQL cannot read `since` or `until`
 */
export async function dumpResults(
  pool: Pool,
  filter: DumpFilter,
  write: (lines: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  return await withClient(pool, (client) =>
    inTransaction(client, BEGIN, async () => {
      const since = await readTime(client, "since", filter.since ?? "-infinity");
      const until = await readTime(client, "until", filter.until ?? "infinity");
      const sites = filter.url == null ? null : await findSites(client, filter.url);
      let left = filter.limit ?? Infinity;
      let written = 0;
      for (const [from, to] of await daysBetween(client, since, until)) {
        await client.query(
          `DECLARE results NO SCROLL CURSOR FOR ${selectMessages(sites !== null)}`,
          [
            from,
            to,
            ...(sites === null ? [] : [sites]),
          ],
        );
        while (left > 0 && !signal?.aborted) {
          const { rows } = await client.query(`FETCH ${Math.min(ROWS, left)} FROM results`);
          if (rows.length === 0) break;
          await write(rows.map((row) => `${JSON.stringify(toMessage(row))}\n`).join(""));
          left -= rows.length;
          written += rows.length;
        }
        await client.query("CLOSE results");
        if (left <= 0 || signal?.aborted) break;
      }
      return written;
    }));
}

/** @returns The time as PostgreSQL writes it */
async function readTime(client: PoolClient, name: string, text: string): Promise<string> {
  try {
    const { rows } = await client.query("SELECT $1::timestamptz::text AS time", [text]);
    return rows[0].time;
  } catch (error) {
    if (!(error as { code?: string }).code?.startsWith("22")) throw error;
    throw new UsageError(
      `Option "--${name}" needs a time such as 2026-01-31 or "2026-01-31 12:00:00", found "${text}"`,
      { cause: error },
    );
  }
}

async function findSites(client: PoolClient, url: string): Promise<number[]> {
  const { rows } = await client.query("SELECT id FROM sites WHERE url = $1 OR name = $1", [url]);
  return rows.map(({ id }) => id);
}

/**
 * The days, each from midnight UTC, that have partitions, cut to `since` and `until`. Where the
 * partitions have no bounds, those of the results are taken.
 */
async function daysBetween(
  client: PoolClient,
  since: string,
  until: string,
): Promise<[string, string][]> {
  const { rows } = await client.query(
    `SELECT greatest(day, $1::timestamptz)::text AS start,
       least(day + interval '1 day', $2::timestamptz)::text AS stop
     FROM (
       SELECT DISTINCT generate_series(
         date_trunc('day', coalesce(lower(range), (SELECT min(ts) FROM check_results))),
         coalesce(upper(range), (SELECT max(ts) + interval '1 day' FROM check_results))
           - interval '1 microsecond',
         interval '1 day'
       ) AS day
       FROM unnest(CASE
         WHEN EXISTS (SELECT FROM pg_partitioned_table
           WHERE partrelid = 'check_results'::regclass AND partdefid <> 0)
         THEN '{(,)}' ELSE httpmon_covered('check_results')
       END) AS range
     ) AS days
     WHERE day < $2::timestamptz AND day + interval '1 day' > $1::timestamptz
     ORDER BY day`,
    [since, until],
  );
  return rows.map(({ start, stop }) => [start, stop]);
}
