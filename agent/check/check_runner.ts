import { type Site, siteId } from "../../config/types.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { encode } from "../../wire/encode.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { check, type CheckDeps, type Checked, missedResult } from "./check.ts";
import type { Limiter } from "../condition/limiter.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Missed, Turn } from "../due_times.ts";
import type { AgentStats } from "../stats.ts";
import { ThrottledReport } from "../throttled_report.ts";
import { type Timestamps, toMeta } from "./timestamps.ts";

export interface CheckRunnerDeps extends Omit<CheckDeps, "timestamp" | "onInspectionFailed"> {
  log: Logger;
  stats: AgentStats;
  /** A place for each check that runs; a connection that is made beside another's takes one, too. */
  places: Limiter;
  timestamps: Timestamps;
  outbox: Pick<Outbox, "add" | "keep" | "waiting" | "dropped">;
  /** Told of each check. */
  onChecked?: (site: Site, checked: Checked) => void;
}

/** A check that takes longer holds its place for long. */
const LONG_MS = 10_000;

const HOUR_MS = 3_600_000;

/**
 * Runs checks when they are due, so many at a time, and puts their results into the outbox. What came
 * due and was not come to in time has a result as well.
 */
export class CheckRunner {
  #deps: CheckRunnerDeps;
  #checkDeps: CheckDeps;
  #cut = new AbortController();
  #running = new Set<Promise<void>>();
  #stopping = false;
  /** Sites whose last check held its place for long. */
  #long = new WeakSet<Site>();
  #ownTrouble: ThrottledReport<{ url: string; error: string }>;

  constructor(deps: CheckRunnerDeps) {
    this.#deps = deps;
    this.#ownTrouble = new ThrottledReport(deps.clock, (count, latest) => {
      const message = "Checks failed for the agent's own trouble; their results are unknown";
      deps.log.error({ count, ...latest }, message);
    });
    this.#checkDeps = {
      ...deps,
      timestamp: (siteId) => deps.timestamps.next(siteId),
      onInspectionFailed: ({ url }, error) => this.#ownTrouble.add(1, { url, error }),
    };
  }

  /** Checks `site` as soon as there is a place. Never rejects. */
  run(site: Site, turn: Turn): Promise<void> {
    const running = this.#run(site, turn).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /** Checks `site` for one who asks, and publishes nothing; null where it was cut. Never rejects. */
  async probe(site: Site): Promise<Checked | null> {
    const { clock, places } = this.#deps;
    await places.acquire();
    try {
      if (this.#stopping) return null;
      const timestamp = () => BigInt(clock.now()) * 1_000n;
      return await check(site, this.#cut.signal, { ...this.#checkDeps, timestamp });
    } finally {
      places.release();
    }
  }

  /** Answers for due times that nobody came to: a result for each hour of the clock that has some. */
  missed(site: Site, { due, slots }: Missed): void {
    const { clock, stats, timestamps } = this.#deps;
    const wallMinusMonotonic = clock.now() - clock.monotonic();
    let wall = due + wallMinusMonotonic;
    for (let left = slots; left > 0;) {
      const hourEnd = (Math.floor(wall / HOUR_MS) + 1) * HOUR_MS;
      const inHour = Math.min(left, Math.ceil((hourEnd - wall) / site.frequencyMs));
      const ts = timestamps.next(siteId(site), clock.now() - wall);
      const message = missedResult(site, ts, inHour, this.#deps);
      stats.recordResult(message, false);
      this.#ownTrouble.add(1, { url: site.url, error: message.errorMessage! });
      this.#send(message);
      left -= inHour;
      wall += inHour * site.frequencyMs;
    }
  }

  /** Resolves when no check is under way; those that wait for a place, and later ones, do not start. */
  async drain(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  /** Cuts the checks under way; they give no result. */
  cut(): void {
    this.#stopping = true;
    this.#cut.abort();
    this.#ownTrouble.close();
  }

  async #run(site: Site, turn: Turn): Promise<void> {
    const { clock, stats, places } = this.#deps;
    const place = places.acquire(this.#long.has(site));
    stats.waitingForPlace = places.waiting;
    await place;
    const start = clock.monotonic();
    stats.inFlight++;
    try {
      const missed = this.#stopping ? { due: turn.due, slots: turn.slots() } : turn.skip();
      if (missed) this.missed(site, missed);
      if (!this.#stopping) await this.#check(site, turn);
    } catch (error) {
      this.#deps.log.error(
        { error, url: site.url },
        "A check failed in a way that it never should",
      );
    } finally {
      places.release();
      if (clock.monotonic() - start > LONG_MS) this.#long.add(site);
      else this.#long.delete(site);
      stats.inFlight--;
      stats.waitingForPlace = places.waiting;
    }
  }

  async #check(site: Site, turn: Turn): Promise<void> {
    const { stats, onChecked } = this.#deps;
    stats.recordLateness(turn.lateMs);
    const checked = await check(site, this.#cut.signal, this.#checkDeps, turn);
    if (!checked) {
      stats.cut++;
      return;
    }
    const { message, judgement } = checked;
    stats.recordResult(message);
    // An inspection that failed has told of itself.
    if (judgement.verdict === "unknown" && judgement.errorMessage !== null) {
      this.#ownTrouble.add(1, { url: site.url, error: message.errorMessage! });
    }
    onChecked?.(site, checked);
    this.#send(message);
  }

  #send(message: ResultMessage): void {
    const { outbox, stats, timestamps } = this.#deps;
    outbox.keep(toMeta(timestamps.state()));
    outbox.add({ key: message.url, value: encode(message) });
    stats.waiting = outbox.waiting;
    stats.dropped = outbox.dropped;
  }
}
