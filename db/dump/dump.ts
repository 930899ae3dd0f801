import type { Pool, PoolClient } from "pg";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { readTime } from "../connect/read_time.ts";
import { inTransaction, withClient } from "../connect/transaction.ts";
import { encoderOf, type Format, type Write } from "./formats.ts";
import { MESSAGES, type Origin, type Source, tableOf } from "./source.ts";

/** What is dumped; null and absent mean all. */
export interface DumpFilter {
  /** @default "raw" */
  from?: Origin;
  /** @default "json" */
  format?: Format;
  /** First moment that is in: as PostgreSQL reads times, UTC where no zone is given, or "7d" ago. */
  since?: string | null;
  /** First moment that is out. */
  until?: string | null;
  /** A site's name, or its URL where it has none. */
  site?: string | null;
  /** All sites of this URL. */
  url?: string | null;
  /** The most rows, the oldest ones. */
  limit?: number | null;
  /** The most rows, the newest ones; not beside `limit`. */
  tail?: number | null;
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
 * Hands every stored row that `filter` lets through to `write`, ordered by time: results as messages
 * in JSON lines, or as the view "results" has them, or rollups. Memory does not grow with the number
 * of rows, here or in the server: it reads day by day, as sorting all of them at once would write them
 * to disk first. All days are seen as they were when it began.
 *
 * @param write Takes some of the output; the next comes when it resolves
 * @param signal Ends it early; a Parquet file is then without its end, and no reader takes it for whole
 * @returns How many rows were written
 * @throws {UsageError} Where PostgreSQL cannot read a time, or no such site is stored
 */
export async function dumpResults(
  pool: Pool,
  filter: DumpFilter,
  write: Write,
  signal?: AbortSignal,
): Promise<number> {
  const { from: origin = "raw", format = "json" } = filter;
  return await withClient(pool, (client) =>
    inTransaction(client, BEGIN, async () => {
      const source = origin === "raw" && format === "json"
        ? MESSAGES
        : await tableOf(client, origin);
      const since = await readTime(client, "since", filter.since ?? "-infinity");
      const until = await readTime(client, "until", filter.until ?? "infinity");
      const sites = await findSites(client, filter);
      let pieces = await piecesBetween(client, source, since, until);
      let left = filter.limit ?? Infinity;
      let skipped = 0;
      if (filter.tail != null) {
        [pieces, skipped] = await newest(client, source, pieces, sites, filter.tail);
        left = filter.tail;
      }
      const encoder = await encoderOf(format, source.columns, write);
      let written = 0;
      for (const [from, to] of pieces) {
        if (left <= 0 || signal?.aborted) break;
        await client.query(
          `DECLARE dumped NO SCROLL CURSOR FOR ${source.select(sites.length > 0)}`,
          [from, to, ...sites],
        );
        if (skipped > 0) await client.query(`MOVE ${skipped} FROM dumped`);
        skipped = 0;
        while (left > 0 && !signal?.aborted) {
          const { rows } = await client.query(`FETCH ${Math.min(ROWS, left)} FROM dumped`);
          if (rows.length === 0) break;
          await encoder.rows(rows.map(source.toRow));
          left -= rows.length;
          written += rows.length;
        }
        await client.query("CLOSE dumped");
      }
      if (!signal?.aborted) await encoder.end();
      return written;
    }));
}

/** The ids of the sites that the filter names, as a query's parameters: none where it names none. */
async function findSites(client: PoolClient, { site, url }: DumpFilter): Promise<[number[]] | []> {
  if (site == null && url == null) return [];
  const { rows } = await client.query(
    `SELECT id FROM sites
     WHERE coalesce(name, url) = coalesce($1, coalesce(name, url)) AND url = coalesce($2, url)`,
    [site, url],
  );
  if (rows.length > 0) return [rows.map(({ id }) => id)];
  const named = [site != null && `site "${site}"`, url != null && `URL "${url}"`].filter(Boolean);
  throw new UsageError(`Nothing is stored of the ${named.join(" with the ")}`);
}

/**
 * The pieces, each from midnight UTC, in which there may be rows, cut to `since` and `until`. Where
 * nothing says what the partitions cover, the rows do.
 */
async function piecesBetween(
  client: PoolClient,
  { table, time, piece }: Source,
  since: string,
  until: string,
): Promise<[string, string][]> {
  const { rows } = await client.query(
    `SELECT greatest(piece, $1::timestamptz)::text AS start,
       least(piece + interval '1 ${piece}', $2::timestamptz)::text AS stop
     FROM (
       SELECT DISTINCT generate_series(
         date_trunc('${piece}', coalesce(lower(range), (SELECT min(${time}) FROM ${table}))),
         coalesce(upper(range), (SELECT max(${time}) + interval '1 ${piece}' FROM ${table}))
           - interval '1 microsecond',
         interval '1 ${piece}'
       ) AS piece
       FROM unnest(CASE
         WHEN EXISTS (SELECT FROM pg_partitioned_table
           WHERE partrelid = $3::regclass AND partdefid = 0)
         THEN httpmon_covered($3) ELSE '{(,)}'
       END) AS range
     ) AS pieces
     WHERE piece < $2::timestamptz AND piece + interval '1 ${piece}' > $1::timestamptz
     ORDER BY piece`,
    [since, until, table],
  );
  return rows.map(({ start, stop }) => [start, stop]);
}

/** Those of the pieces in which the newest `count` rows are, and how many of the first one are older. */
async function newest(
  client: PoolClient,
  { table, time }: Source,
  pieces: readonly [string, string][],
  sites: [number[]] | [],
  count: number,
): Promise<[pieces: [string, string][], skipped: number]> {
  const found: [string, string][] = [];
  for (const [from, to] of pieces.toReversed()) {
    if (count <= 0) break;
    const { rows: [{ first, rows }] } = await client.query(
      `SELECT min(t)::text AS first, count(*)::int AS rows FROM (
         SELECT ${time} AS t FROM ${table} WHERE ${time} >= $1::timestamptz AND ${time} < $2::timestamptz
           ${sites.length > 0 ? "AND site_id = ANY ($4::int4[])" : ""}
         ORDER BY t DESC FETCH FIRST ($3) ROWS WITH TIES
       ) AS newest`,
      [from, to, count, ...sites],
    );
    if (rows > 0) found.unshift([first, to]);
    if (rows >= count) return [found, rows - count];
    count -= rows;
  }
  return [found, 0];
}
