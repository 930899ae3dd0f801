import type { Pool } from "pg";
import { adviceFor } from "../../../db/connect/advice.ts";
import { type Clock, sleep } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import { type RetryDeps, retryUntil } from "../../../runtime/retry.ts";
import { rowsOf } from "../sql.ts";
import { LatestResults } from "./latest_results.ts";
import { byName, isOther, type OpenIncident, type SiteNow, siteNowOf } from "./site_now.ts";

/** What came in one look at the database. */
export interface Update {
  /** Sites of which state, since or cause are other than before, as they are now. */
  changed: readonly SiteNow[];
  /** Sites with a new result. */
  heard: readonly SiteNow[];
}

export interface FollowDeps extends Pick<RetryDeps, "spell"> {
  pool: Pool;
  clock: Clock;
  log: Logger;
}

const LOOK_MS = 1_500;
/** All is read anew so often: for what came late, and for agents that fell silent. */
const RELOAD_MS = 60_000;

/**
 * All sites as they are now: read at the start and each minute, and in between brought up to date from
 * the newest results, so that no page has to ask for it.
 */
export class CurrentSites {
  readonly #deps: FollowDeps;
  /** What their agents saw last. */
  readonly latest: LatestResults;
  readonly #listeners = new Set<(update: Update) => void>();
  #byId = new Map<number, SiteNow>();
  /** By site: its place among all by its name. */
  #ranks = new Map<number, number>();
  #incidents = new Map<number, OpenIncident>();
  #failingSince: number | null = null;
  #isRead = false;
  #revision: number;
  /** By site: the revision since which it is as it is. */
  readonly #changedAt = new Map<number, number>();

  constructor(deps: FollowDeps) {
    this.#deps = deps;
    this.latest = new LatestResults(deps);
    // Beyond those of before a restart, which pages may have.
    this.#revision = deps.clock.now();
  }

  /** Counts up with each change. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether they were read at all. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Since when the database does not answer; null: it does. */
  get failingSince(): number | null {
    return this.#failingSince;
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): Iterable<SiteNow> {
    return this.#byId.values();
  }

  /** Those that are other than at this revision. */
  changedSince(revision: number): SiteNow[] {
    return [...this.#byId.values()].filter(({ id }) => this.#changedAt.get(id)! > revision);
  }

  get(id: number): SiteNow | null {
    return this.#byId.get(id) ?? null;
  }

  /** @returns What ends it */
  subscribe(listener: (update: Update) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads all sites anew. */
  async load(): Promise<void> {
    await this.latest.load();
    this.#rank();
    await this.#readIncidents();
    const before = this.#byId;
    this.#byId = new Map();
    this.#isRead = true;
    this.#update(this.latest.siteIds, before);
    // Nothing is told of those that were not heard of for too long.
    if ([...before.keys()].some((id) => !this.#byId.has(id))) this.#revision++;
  }

  /** Takes over what came since the last look. */
  async look(): Promise<void> {
    const heard = await this.latest.look();
    if ([...heard].some((id) => !this.#ranks.has(id))) this.#rank();
    const other = await this.#readIncidents();
    this.#update(new Set([...heard, ...other]), this.#byId, heard);
  }

  /** Keeps up with the database until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let loadedAt = -Infinity;
    while (!signal.aborted) {
      await retryUntil("Reading the state of the sites", async () => {
        const isDue = this.latest.newest === 0 || clock.monotonic() - loadedAt >= RELOAD_MS;
        await (isDue ? this.load() : this.look());
        if (isDue) loadedAt = clock.monotonic();
        this.#failingSince = null;
      }, {
        ...this.#deps,
        signal,
        advise: adviceFor,
        onFailure: () => this.#failingSince ??= clock.now(),
      });
      await sleep(clock, LOOK_MS, signal);
    }
  }

  #rank(): void {
    const names = [...this.latest.siteIds].map((id) => [id, this.latest.of(id)[0]!.name] as const);
    names.sort(([, a], [, b]) => byName(a, b));
    this.#ranks = new Map(names.map(([id], n) => [id, n]));
  }

  /** @returns Sites of which another one is open than before */
  async #readIncidents(): Promise<number[]> {
    const rows = await rowsOf<OpenIncident & { siteId: number }>(
      this.#deps.pool,
      `SELECT DISTINCT ON (site_id) site_id, id, acknowledged_at IS NOT NULL AS is_acknowledged,
         acknowledged_by
       FROM incidents WHERE closed_at IS NULL AND site_id IS NOT NULL
       ORDER BY site_id, severity, opened_at`,
    );
    const before = this.#incidents;
    this.#incidents = new Map(rows.map(({ siteId, ...incident }) => [siteId, incident]));
    return [...new Set([...before.keys(), ...this.#incidents.keys()])].filter((id) => {
      const [old, incident] = [before.get(id), this.#incidents.get(id)];
      const isSame = old?.id === incident?.id && old?.isAcknowledged === incident?.isAcknowledged;
      return !isSame && this.latest.of(id).length > 0;
    });
  }

  /** Judges these sites anew, and tells of those that are other than before, and of those heard. */
  #update(
    ids: Iterable<number>,
    before: ReadonlyMap<number, SiteNow>,
    heard: Iterable<number> = [],
  ): void {
    const changed: SiteNow[] = [];
    for (const id of ids) {
      const old = before.get(id);
      const site = siteNowOf(id, this.latest.of(id), {
        now: this.latest.now(),
        rank: this.#ranks.get(id) ?? 0,
        incident: this.#incidents.get(id) ?? null,
      });
      this.#byId.set(id, site);
      if (isOther(old, site)) changed.push(site);
    }
    if (changed.length > 0) this.#revision++;
    for (const { id } of changed) this.#changedAt.set(id, this.#revision);
    const update = { changed, heard: [...heard].map((id) => this.#byId.get(id)!) };
    if (changed.length + update.heard.length === 0) return;
    for (const listener of this.#listeners) listener(update);
  }
}
