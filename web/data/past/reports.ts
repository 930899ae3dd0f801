import type { ClientBase, Pool } from "pg";
import { withClient } from "../../../db/connect/transaction.ts";
import {
  type Figures,
  type Month,
  type ReportedSite,
  reportOf,
  type SiteReport,
  sitesOf,
} from "../../../db/report/figures.ts";
import { KeptOfRevision } from "../kept.ts";
import { rowsOf } from "../sql.ts";
import { DAY_MS, HOUR_MS } from "./history.ts";
import { NO_PERCENTILES, type Percentiles, percentilesOf } from "./percentiles.ts";

/** What is kept of what was computed: pages of months, and the months' sites. */
const MOST = 64;

/** A month that there are results of. */
export interface MonthInList {
  /** "2026-10" */
  name: string;
  isFrozen: boolean;
  /** Of all sites' slots together; null as long as it is under way. */
  uptime: number | null;
  /** How many had results. */
  sites: number | null;
}

/** A site's line of a month. */
export interface ReportRow extends ReportedSite, Percentiles {
  uptime: number | null;
  minutesDown: number;
  /** Null: not known any more. */
  failures: number | null;
  minutesUnobserved: number;
  /** Null: of the record as it stands. */
  revision: number | null;
}

/** The reports of months. What was computed is kept until a rollup changes. */
export class Reports {
  readonly #pool: Pool;
  readonly #kept = new KeptOfRevision(MOST);

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The newest first, from the oldest that there are figures of, whose hours may be dropped. */
  months(): Promise<MonthInList[]> {
    return this.#once("months", (client) =>
      rowsOf(
        client,
        `SELECT to_char(month AT TIME ZONE 'UTC', 'YYYY-MM') AS name, uptime, sites,
           EXISTS (SELECT FROM reports WHERE reports.month = (m.month AT TIME ZONE 'UTC')::date)
             AS is_frozen
         FROM generate_series(
           date_trunc('month', least((SELECT min(bucket) FROM rollup_hourly),
             (SELECT min(bucket) FROM rollup_monthly)), 'UTC'),
           now(), interval '1 month'
         ) AS m(month)
         LEFT JOIN (
           SELECT bucket, count(DISTINCT site_id)::int4 AS sites,
             sum(up + degraded)::float8 / nullif(sum(up + degraded + down), 0)::float8 AS uptime
           FROM rollup_monthly WHERE bucket < date_trunc('month', now(), 'UTC') GROUP BY 1
         ) AS of ON bucket = month
         ORDER BY m.month DESC`,
      ));
  }

  /** The sites with results in a month, by name. */
  sitesOf(month: Month): Promise<ReportedSite[]> {
    return this.#once(`sites ${month.name}`, (client) => sitesOf(client, month, null));
  }

  /** A line each, of the frozen figures where there are some. */
  rowsOf(month: Month, sites: readonly ReportedSite[], now: number): Promise<ReportRow[]> {
    const ids = sites.map(({ id }) => id);
    return this.#once(`rows ${month.name} ${ids}`, async (client) => {
      const frozen = await frozenOf(client, month, ids);
      const rest = ids.filter((id) => !frozen.has(id));
      const record = rest.length > 0 ? await recordOf(client, month, rest, now) : new Map();
      return sites.flatMap((site) => {
        const figures = frozen.get(site.id) ?? record.get(site.id);
        return figures ? [{ ...site, ...figures }] : [];
      });
    });
  }

  /** All of one site. */
  reportOf(month: Month, site: ReportedSite): Promise<SiteReport> {
    return this.#once(`site ${month.name} ${site.id}`, (client) => reportOf(client, month, site));
  }

  async #once<T>(key: string, work: (client: ClientBase) => Promise<T>): Promise<T> {
    const { rows: [{ revision }] } = await this.#pool.query(
      "SELECT httpmon_revision() || ' ' || (SELECT count(*) FROM reports) AS revision",
    );
    return await this.#kept.get(revision, key, () => withClient(this.#pool, work));
  }
}

type RowFigures = Omit<ReportRow, keyof ReportedSite>;

async function frozenOf(client: ClientBase, { since }: Month, ids: readonly number[]) {
  const rows = await rowsOf<{ siteId: number; revision: number; figures: Figures }>(
    client,
    `SELECT DISTINCT ON (site_id) site_id, revision, figures FROM reports
     WHERE month = $1::timestamptz AT TIME ZONE 'UTC' AND site_id = ANY ($2)
     ORDER BY site_id, revision DESC`,
    [since, ids],
  );
  return new Map(rows.map(({ siteId, revision, figures }): [number, RowFigures] => [siteId, {
    uptime: figures.uptime,
    minutesDown: figures.minutesDown,
    failures: figures.failures?.length ?? null,
    ...(figures.responseMs ?? NO_PERCENTILES),
    minutesUnobserved: minutesOf(figures.unobserved),
    revision,
  }]));
}

/** As httpmon_report has them, of many sites at once. */
async function recordOf(
  client: ClientBase,
  { since, until }: Month,
  ids: readonly number[],
  now: number,
) {
  const [row] = await rowsOf<{ step: "hour" | "day" | "month" }>(
    client,
    `SELECT CASE WHEN bool_or(what = 'daily' AND dropped_before > $1) THEN 'month'
       WHEN bool_or(what = 'hourly' AND dropped_before > $1) THEN 'day' ELSE 'hour' END AS step
     FROM retention`,
    [since],
  );
  const { step } = row!;
  const [from, to] = [Date.parse(since), Date.parse(until)];
  const ms = { hour: HOUR_MS, day: DAY_MS, month: to - from }[step];
  const range = [ids, since, until];
  const counts = await rowsOf<{ siteId: number; uptime: number; down: number; observed: number }>(
    client,
    `SELECT site_id, sum(good)::float8 / nullif(sum(counted), 0)::float8 AS uptime,
       coalesce(sum((counted - good)::float8 / nullif(counted, 0)), 0)::float8 AS down,
       count(*) FILTER (WHERE checks > 0)::int4 AS observed
     FROM (
       SELECT site_id, bucket, sum(up + degraded) AS good, sum(up + degraded + down) AS counted,
         sum(checks) AS checks
       FROM httpmon_rollup($1, $2, $3, $4) GROUP BY 1, 2
     ) AS parts GROUP BY 1`,
    [...range, step],
  );
  const percentiles = await percentilesOf(client, ids, since, until);
  // The changes of verdicts go with the days.
  const failures = step === "month" ? null : await rowsOf<{ siteId: number; n: number }>(
    client,
    `SELECT site_id, count(*)::int4 AS n FROM httpmon_failures($1, $2, $3)
     WHERE started < $3 GROUP BY 1`,
    range,
  );
  const partsInAll = Math.floor((Math.min(to, now) - from) / ms);
  return new Map(counts.map(({ siteId, uptime, down, observed }): [number, RowFigures] => [siteId, {
    uptime,
    minutesDown: down * ms / 60_000,
    failures: failures && (failures.find((row) => row.siteId === siteId)?.n ?? 0),
    ...percentiles.get(siteId) ?? NO_PERCENTILES,
    minutesUnobserved: Math.max(0, partsInAll - observed) * ms / 60_000,
    revision: null,
  }]));
}

/** @param spans As reports have them */
export function minutesOf(spans: Figures["unobserved"]): number {
  return spans.reduce(
    (sum, { started, ended }) => sum + (Date.parse(ended) - Date.parse(started)) / 60_000,
    0,
  );
}
