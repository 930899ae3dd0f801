import { adviceFor } from "../../../db/connect/advice.ts";
import { sleep } from "../../../runtime/clock.ts";
import { retryUntil } from "../../../runtime/retry.ts";
import type { CurrentSites, FollowDeps } from "../now/current_sites.ts";
import { NO_PERCENTILES, type Percentiles, percentilesOf } from "./percentiles.ts";
import { type Counts, type CountsRow, noCounts, Ring, uptimeOf } from "./ring.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** The longest range of which an uptime is shown, and the days of a strip. */
export const DAYS = 90;

const REFRESH_MS = 30_000;
/** What is over is read anew so often, a little at a time: what came late is in it by then. */
const LATE_MS = 600_000;
const ANEW = Math.ceil((24 + DAYS) * REFRESH_MS / LATE_MS);
/** Sites whose percentiles are asked for at a time. */
const CHUNK = 200;

export interface HistoryDeps extends FollowDeps {
  sites: CurrentSites;
}

/**
 * What the sites' last 90 days were, day by day, and their last 24 hours, hour by hour: read from the
 * rollups once, then only what changes, so that a page costs no look at them.
 */
export class History {
  readonly #deps: HistoryDeps;
  readonly #days = new Ring(DAYS + 1);
  readonly #hours = new Ring(26);
  readonly #percentiles = new Map<number, Percentiles>();
  #revision = 0;
  /** Names of the buckets that are read, the one that was longest ago first. */
  readonly #read = new Set<string>();
  #next = 0;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  /** Counts up with each reading. */
  get revision(): number {
    return this.#revision;
  }

  /** The first moment of the ranges "24 h", "30 d" and "90 d": an hour's start, or a day's (UTC). */
  since(days: number): number {
    const now = this.#deps.clock.now();
    return days === 1
      ? Math.floor(now / HOUR_MS) * HOUR_MS - DAY_MS
      : (Math.floor(now / DAY_MS) - days) * DAY_MS;
  }

  /** Of a site since `since(days)`; null where nothing counts. */
  uptime(id: number, days: number): number | null {
    return uptimeOf(this.counts(id, days));
  }

  /** Adds to `sum` the slots of a site since `since(days)`. */
  counts(id: number, days: number, sum: Counts = noCounts()): Counts {
    const now = this.#deps.clock.now();
    const hour = Math.floor(now / HOUR_MS);
    if (days === 1) return this.#hours.sum(id, hour - 24, hour, sum);
    const today = Math.floor(now / DAY_MS);
    this.#days.sum(id, today - days, today - 1, sum);
    return this.#hours.sum(id, today * 24, hour, sum);
  }

  /** The month before this one, UTC, of all sites together. */
  lastMonth(): { name: string; uptime: number } | null {
    const first = new Date(this.#deps.clock.now());
    first.setUTCDate(1);
    const end = Math.floor(first.getTime() / DAY_MS);
    first.setUTCMonth(first.getUTCMonth() - 1);
    const start = Math.floor(first.getTime() / DAY_MS);
    const sum = noCounts();
    for (const id of this.#days.ids()) this.#days.sum(id, start, end - 1, sum);
    const uptime = uptimeOf(sum);
    return uptime === null ? null : { name: first.toISOString().slice(0, 7), uptime };
  }

  /** The last 90 days of a site, the oldest first, today among them. */
  days(id: number): Counts[] {
    const now = this.#deps.clock.now();
    const today = Math.floor(now / DAY_MS);
    const before = Array.from({ length: DAYS - 1 }, (_, n) => today - DAYS + 1 + n)
      .map((day) => this.#days.sum(id, day, day));
    return [...before, this.#hours.sum(id, today * 24, Math.floor(now / HOUR_MS))];
  }

  /** Of the last 24 hours; null where they are not read yet, too. */
  percentiles(id: number): Percentiles {
    return this.#percentiles.get(id) ?? NO_PERCENTILES;
  }

  /** Keeps up with the database until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock, sites } = this.#deps;
    let known = 0;
    while (!signal.aborted) {
      await retryUntil("Reading the sites' history", () => this.refresh(), {
        ...this.#deps,
        signal,
        advise: adviceFor,
      });
      known = sites.size;
      // New sites are not kept waiting.
      for (let ms = 0; ms < REFRESH_MS && !signal.aborted; ms += 1_000) {
        await sleep(clock, 1_000, signal);
        if (sites.size !== known) break;
      }
    }
  }

  /** Reads what is not known yet, or may have changed. */
  async refresh(): Promise<void> {
    await Promise.all([this.#readBuckets(), this.#readPercentiles()]);
    this.#revision++;
  }

  /**
   * Bucket by bucket: the rows of all at once, 240,000 for a day of 10,000 sites, would be most of what
   * the process holds.
   */
  async #readBuckets(): Promise<void> {
    const now = this.#deps.clock.now();
    const [hour, today] = [Math.floor(now / HOUR_MS), Math.floor(now / DAY_MS)];
    const wanted = new Map<string, () => Promise<void>>();
    for (let n = hour; n >= hour - 24; n--) {
      wanted.set(`hour ${n}`, () => this.#readBucket(this.#hours, "hour", HOUR_MS, n));
    }
    for (let n = today - 1; n >= today - DAYS; n--) {
      wanted.set(`day ${n}`, () => this.#readBucket(this.#days, "day", DAY_MS, n));
    }
    for (const name of this.#read) if (!wanted.has(name)) this.#read.delete(name);
    const missing = [...wanted.keys()].filter((name) => !this.#read.has(name));
    const oldest = [...this.#read].slice(0, ANEW);
    // What is under way, and was until just now, changes all the time.
    for (const name of new Set([`hour ${hour}`, `hour ${hour - 1}`, ...missing, ...oldest])) {
      await wanted.get(name)!();
      this.#read.delete(name);
      this.#read.add(name);
    }
  }

  /** @param n Its number since 1970 */
  async #readBucket(ring: Ring, step: "hour" | "day", ms: number, n: number): Promise<void> {
    const { rows } = await this.#deps.pool.query<CountsRow>({
      text:
        `SELECT site_id, sum(up)::int4, sum(degraded)::int4, sum(down)::int4, sum(unknown)::int4,
         sum(maintenance)::int4
       FROM httpmon_rollup(NULL, $1, $2, $3) GROUP BY 1`,
      values: [new Date(n * ms), new Date((n + 1) * ms), step],
      rowMode: "array",
    });
    ring.set(n, rows);
  }

  /** The next sites' in turn; at first all of them. */
  async #readPercentiles(): Promise<void> {
    const { pool, sites } = this.#deps;
    const ids = [...sites.all()].map(({ id }) => id);
    const isFirst = this.#percentiles.size === 0;
    do {
      const chunk = ids.slice(this.#next, this.#next + CHUNK);
      this.#next = this.#next + CHUNK >= ids.length ? 0 : this.#next + CHUNK;
      const [since, until] = [new Date(this.since(1)), new Date(this.#deps.clock.now())];
      const found = await percentilesOf(pool, chunk, since, until);
      for (const id of chunk) this.#percentiles.delete(id);
      for (const [id, percentiles] of found) this.#percentiles.set(id, percentiles);
    } while (isFirst && this.#next > 0);
  }
}
