import pg, { type ClientBase } from "pg";
import { UsageError } from "../../runtime/cli/exit_codes.ts";

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
  /** What they are added up from: hours, or where these are dropped, days or months. */
  of: "hours" | "days" | "months";
  /** (up + degraded) / (up + degraded + down) in slots; null where nothing counts. */
  uptime: number | null;
  /** The share of down slots of each hour (day, month), in minutes, added up. */
  minutesDown: number;
  checks: number;
  slots: Record<"up" | "degraded" | "down" | "unknown" | "maintenance", number>;
  /** Null without a response. */
  responseMs: Record<"min" | "average" | "max" | "p50" | "p95" | "p99", number> | null;
  /** Runs of failures that touch the month; one that began before it is whole. Null: of months. */
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
  }[] | null;
  /** Whole hours (days, months) that no agent reported. */
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

/** A site of a report. */
export type ReportedSite = Awaited<ReturnType<typeof sitesOf>>[number];

/** The figures of one site: frozen ones where there are some, else those of the record as it stands. */
export async function reportOf(
  client: ClientBase,
  month: Month,
  site: ReportedSite,
): Promise<SiteReport> {
  return (await compute(client, month, site, "SELECT * FROM last WHERE false")).report;
}

/**
 * The same, and keeps the figures for good; where late results changed them since, as another revision.
 *
 * @returns With `revision`, the new one; null where nothing changed
 */
export async function freeze(
  client: ClientBase,
  month: Month,
  site: ReportedSite,
): Promise<{ report: SiteReport; revision: number | null }> {
  return await compute(
    client,
    month,
    site,
    `INSERT INTO reports (month, site_id, revision, figures)
     SELECT $2::timestamptz AT TIME ZONE 'UTC', $1, coalesce(last.revision, 0) + 1, present.figures
     FROM present LEFT JOIN last ON true WHERE last.figures IS DISTINCT FROM present.figures
     RETURNING revision, frozen_at, figures`,
  );
}

/** @param adding SQL that gives the revision that is new, if there is one */
async function compute(
  client: ClientBase,
  month: Month,
  { id, site, url }: ReportedSite,
  adding: string,
): Promise<{ report: SiteReport; revision: number | null }> {
  const { rows: [row] } = await client.query(
    `WITH present AS MATERIALIZED (
       SELECT httpmon_report($1, $2, $3) AS figures
     ), last AS (
       SELECT revision, frozen_at, figures FROM reports
       WHERE site_id = $1 AND month = $2::timestamptz AT TIME ZONE 'UTC'
       ORDER BY revision DESC LIMIT 1
     ), added AS (${adding}), frozen AS (
       TABLE added UNION ALL SELECT * FROM last WHERE NOT EXISTS (TABLE added)
     )
     SELECT coalesce(frozen.figures, present.figures) AS figures, frozen.revision,
       to_char(frozen.frozen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS frozen_at,
       frozen.figures <> present.figures AND present.figures ->> 'of' = 'hours' AS changed,
       (SELECT revision FROM added) AS added
     FROM present LEFT JOIN frozen ON true`,
    [id, month.since, month.until],
  );
  const report: SiteReport = {
    site,
    url,
    figures: row.figures,
    frozen: row.revision === null ? null : {
      revision: row.revision,
      at: row.frozen_at,
      changedSince: row.changed,
    },
    sql: sqlOf(site, month, row.figures.of),
  };
  return { report, revision: row.added };
}

/**
 * Makes sure that the hours of a month are all there, so that its figures can be kept, or compared.
 *
 * @throws {UsageError} Where they are not
 */
export async function checkKept(client: ClientBase, month: Month): Promise<void> {
  const { rows } = await client.query(
    `SELECT FROM retention
     WHERE what = 'hourly' AND dropped_before::timestamp AT TIME ZONE 'UTC' > $1`,
    [month.since],
  );
  if (rows.length === 0) return;
  throw new UsageError(
    `The hours of ${month.name} are dropped (database.retention.hourly): it can be reported, but ` +
      "neither frozen nor verified any more",
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

function sqlOf(
  site: string,
  { since, until }: Month,
  of: Figures["of"],
): Record<string, string> {
  const name = pg.escapeLiteral(site);
  const range = `'${since}', '${until}'`;
  const ids = `httpmon_site_ids(${name})`;
  const minutes = {
    hours: 60,
    days: 1440,
    months: (Date.parse(until) - Date.parse(since)) / 60_000,
  }[of];
  return {
    uptime: `SELECT httpmon_uptime(${name}, ${range})`,
    minutesDown:
      `SELECT sum(${minutes} * down::float8 / nullif(up + degraded + down, 0)) FROM (SELECT bucket, ` +
      `sum(up) AS up, sum(degraded) AS degraded, sum(down) AS down FROM httpmon_rollup(${ids}, ` +
      `${range}, '${of.slice(0, -1)}') GROUP BY 1) AS ${of}`,
    slots:
      `SELECT sum(checks), sum(up), sum(degraded), sum(down), sum(unknown), sum(maintenance) ` +
      `FROM httpmon_rollup(${ids}, ${range})`,
    responseMs: `SELECT q, httpmon_percentile(${name}, q, ${range}) ` +
      `FROM unnest('{0.5,0.95,0.99}'::float8[]) AS q`,
    failures: `SELECT * FROM httpmon_failures(${ids}, ${range})`,
    unobserved: `SELECT * FROM httpmon_unobserved_hours(${name}, ${range})`,
  };
}
