import type { Pool, PoolClient } from "pg";
import { withClient } from "../../db/connect/transaction.ts";
import {
  type Month,
  monthOf,
  reportOf,
  type SiteReport,
  sitesOf,
} from "../../db/report/figures.ts";

/** Of a year of ten thousand sites that somebody leafs through, the last pages. */
const MOST_REPORTS = 2_000;
const MOST_MONTHS = 6;

/** A month that there are results of. */
export interface MonthInList {
  /** "2026-10" */
  name: string;
  isFrozen: boolean;
}

export interface ReportSite {
  id: number;
  site: string;
  url: string;
}

/** The reports of months. What was computed is kept until a rollup changes. */
export class Reports {
  readonly #pool: Pool;
  #revision: unknown = null;
  #sites = new Map<string, ReportSite[]>();
  #reports = new Map<string, SiteReport>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The newest first. */
  async months(): Promise<MonthInList[]> {
    const { rows } = await this.#pool.query(
      `SELECT to_char(month AT TIME ZONE 'UTC', 'YYYY-MM') AS name,
         EXISTS (SELECT FROM reports WHERE reports.month = (m.month AT TIME ZONE 'UTC')::date)
           AS "isFrozen"
       FROM generate_series(
         (SELECT date_trunc('month', min(bucket), 'UTC') FROM rollup_daily),
         now(), interval '1 month'
       ) AS m(month) ORDER BY m.month DESC`,
    );
    return rows;
  }

  /** The sites with results in a month, by name. */
  async sitesOf(month: Month): Promise<ReportSite[]> {
    return await withClient(this.#pool, async (client) => {
      await this.#forgetOld(client);
      const known = this.#sites.get(month.name);
      if (known) return known;
      const found = await sitesOf(client, month, null);
      keep(this.#sites, month.name, found, MOST_MONTHS);
      return found;
    });
  }

  /** Frozen figures where there are some. @throws {UsageError} Where neither they nor the hours are kept */
  async of(month: Month, sites: readonly ReportSite[]): Promise<SiteReport[]> {
    return await withClient(this.#pool, async (client) => {
      await this.#forgetOld(client);
      const reports: SiteReport[] = [];
      for (const site of sites) {
        const key = `${month.name} ${site.id}`;
        const report = this.#reports.get(key) ?? await reportOf(client, month, site);
        keep(this.#reports, key, report, MOST_REPORTS);
        reports.push(report);
      }
      return reports;
    });
  }

  async #forgetOld(client: PoolClient): Promise<void> {
    const { rows: [{ revision }] } = await client.query(
      "SELECT httpmon_revision() || ' ' || (SELECT count(*) FROM reports) AS revision",
    );
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#sites.clear();
    this.#reports.clear();
  }
}

/** Keeps a value; the one that was used longest ago goes. */
function keep<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value!);
}

export { type Month, monthOf, type SiteReport };
