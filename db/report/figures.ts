import pg, { type ClientBase } from "pg";
import { UsageError } from "../../runtime/exit_codes.ts";

/** A calendar month in UTC. */
export interface Month {
  /** "2026-10" */
  name: string;
  /** Its first moment, "2026-10-01T00:00:00Z". */
  since: string;
  /** The first moment behind it. */
  until: string;
}

/** A site's figures of a month, as httpmon_report gives them; times are ISO 8601. */
export interface Figures {
  /** (up + degraded) / (up + degraded + down) in slots; null where nothing counts. */
  uptime: number | null;
  /** Each hour's share of down slots, in minutes, added up. */
  minutesDown: number;
  checks: number;
  slots: Record<"up" | "degraded" | "down" | "unknown" | "maintenance", number>;
  /** Null without a response. */
  responseMs: Record<"min" | "average" | "max" | "p50" | "p95" | "p99", number> | null;
  /** Runs of failures that touch the month; one that began before it is whole. */
  failures: {
    started: string;
    /** Null: not within the month. */
    ended: string | null;
    /** Within the month. */
    minutes: number;
    /** UUIDs of those that saw it. */
    agents: string[];
    reason: string | null;
    responseCode: number | null;
    errorClass: string | null;
    errorMessage: string | null;
  }[];
  /** Whole hours that no agent reported. */
  unobserved: { started: string; ended: string }[];
}

/** A site in a report. */
export interface SiteReport {
  /** Its name, or its URL where it has none. */
  site: string;
  url: string;
  figures: Figures;
  /** Where the month is frozen. */
  frozen: { revision: number; at: string; changedSince: boolean } | null;
  /** By figure: SQL that gives it. */
  sql: Record<string, string>;
}

/**
 * Reads "2026-10".
 *
 * @throws {UsageError} For anything else, or a month that is yet to come
 */
export function monthOf(text: string, now: number): Month {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  if (!year) {
    throw new UsageError(`Option "--month" needs a month such as 2026-10, found "${text}"`);
  }
  const moment = (offset: number) =>
    new Date(Date.UTC(Number(year), Number(month) - 1 + offset)).toISOString().replace(".000", "");
  const found = { name: text, since: moment(0), until: moment(1) };
  if (Date.parse(found.since) > now) throw new UsageError(`The month "${text}" is yet to come`);
  return found;
}

/** The sites that have results in the month, by name; `site` asks for one of them. */
export async function sitesOf(
  client: ClientBase,
  month: Month,
  site: string | null,
): Promise<{ id: number; site: string; url: string }[]> {
  const { rows } = await client.query(
    `SELECT id, coalesce(name, url) AS site, url FROM sites
     WHERE ($3::text IS NULL OR coalesce(name, url) = $3) AND (id IN (
       SELECT site_id FROM httpmon_rollup(
         CASE WHEN $3 IS NULL THEN NULL ELSE httpmon_site_ids($3) END, $1, $2)
     ) OR id IN (SELECT site_id FROM reports WHERE month = $1::timestamptz AT TIME ZONE 'UTC'))
     ORDER BY 2`,
    [month.since, month.until, site],
  );
  if (site !== null && rows.length === 0) {
    throw new UsageError(`There is no site "${site}" with results in ${month.name}`);
  }
  return rows;
}

/**
 * The figures of one site: frozen ones where there are some, else those of the record as it stands.
 *
 * @throws {UsageError} Where there are neither
 */
export async function reportOf(
  client: ClientBase,
  month: Month,
  { id, site, url }: { id: number; site: string; url: string },
): Promise<SiteReport> {
  const { rows: [row] } = await client.query(
    `SELECT now.figures AS present, frozen.revision, frozen.figures AS frozen,
       to_char(frozen.frozen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS frozen_at,
       frozen.figures IS DISTINCT FROM now.figures AND NOT EXISTS (${HOURS_DROPPED} $2) AS changed
     FROM (SELECT httpmon_report($1, $2, $3) AS figures) AS now
     LEFT JOIN LATERAL (
       SELECT * FROM reports WHERE site_id = $1 AND month = $2::timestamptz AT TIME ZONE 'UTC'
       ORDER BY revision DESC LIMIT 1
     ) AS frozen ON true`,
    [id, month.since, month.until],
  );
  if (row.frozen === null) await checkKept(client, month);
  return {
    site,
    url,
    figures: row.frozen ?? row.present,
    frozen: row.revision === null ? null : {
      revision: row.revision,
      at: row.frozen_at,
      changedSince: row.changed,
    },
    sql: sqlOf(site, month),
  };
}

/**
 * Keeps the figures of a site for good; where late results changed them since, as another revision.
 *
 * @returns The revision that is new; null where nothing changed
 */
export async function freeze(client: ClientBase, month: Month, id: number): Promise<number | null> {
  const { rows: [row] } = await client.query(
    `INSERT INTO reports (month, site_id, revision, figures)
     SELECT $2::timestamptz AT TIME ZONE 'UTC', $1, coalesce(last.revision, 0) + 1, now.figures
     FROM (SELECT httpmon_report($1, $2, $3) AS figures) AS now
     LEFT JOIN LATERAL (
       SELECT revision, figures FROM reports
       WHERE site_id = $1 AND month = $2::timestamptz AT TIME ZONE 'UTC'
       ORDER BY revision DESC LIMIT 1
     ) AS last ON true
     WHERE last.figures IS DISTINCT FROM now.figures
     RETURNING revision`,
    [id, month.since, month.until],
  );
  return row?.revision ?? null;
}

/** Followed by a time: whether hours behind it are dropped. */
const HOURS_DROPPED =
  "SELECT FROM retention WHERE what = 'hourly' AND dropped_before::timestamp AT TIME ZONE 'UTC' >";

/**
 * Makes sure that the hours of a month, which its figures are of, are all there.
 *
 * @throws {UsageError} Where they are not
 */
export async function checkKept(client: ClientBase, month: Month): Promise<void> {
  const { rows } = await client.query(`${HOURS_DROPPED} $1`, [month.since]);
  if (rows.length === 0) return;
  throw new UsageError(
    `The hours of ${month.name} are dropped (database.retention.hourly), and its figures with them, ` +
      "unless they were frozen",
  );
}

/**
 * Makes sure that a month can be frozen.
 *
 * @throws {UsageError} Where it is not over, or rollups of it are still to be made
 */
export async function checkClosed(client: ClientBase, month: Month, now: number): Promise<void> {
  if (Date.parse(month.until) > now) {
    throw new UsageError(
      `The month ${month.name} is not over: it can be frozen from ${month.until} on`,
    );
  }
  const { rows: [{ pending }] } = await client.query(
    `SELECT EXISTS (SELECT FROM rollup_marks WHERE hour >= $1 AND hour < $2)
       OR EXISTS (SELECT FROM rollup_pending WHERE bucket >= $1 AND bucket < $2) AS pending`,
    [month.since, month.until],
  );
  if (pending) {
    throw new UsageError(
      `Results of ${month.name} are not rolled up yet: run "httpmon maintain" first, or wait a minute`,
    );
  }
}

function sqlOf(site: string, { since, until }: Month): Record<string, string> {
  const name = pg.escapeLiteral(site);
  const range = `'${since}', '${until}'`;
  const ids = `httpmon_site_ids(${name})`;
  return {
    uptime: `SELECT httpmon_uptime(${name}, ${range})`,
    minutesDown:
      `SELECT sum(60 * down::float8 / nullif(up + degraded + down, 0)) FROM (SELECT bucket, sum(up) AS up, ` +
      `sum(degraded) AS degraded, sum(down) AS down FROM httpmon_rollup(${ids}, ${range}, 'hour') ` +
      `GROUP BY 1) AS hours`,
    slots:
      `SELECT sum(checks), sum(up), sum(degraded), sum(down), sum(unknown), sum(maintenance) ` +
      `FROM httpmon_rollup(${ids}, ${range})`,
    responseMs: `SELECT q, httpmon_percentile(${name}, q, ${range}) ` +
      `FROM unnest('{0.5,0.95,0.99}'::float8[]) AS q`,
    failures: `SELECT * FROM httpmon_failures(${ids}, ${range})`,
    unobserved: `SELECT * FROM httpmon_unobserved_hours(${name}, ${range})`,
  };
}
