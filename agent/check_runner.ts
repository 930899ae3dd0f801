import type { Site } from "../config/types.ts";
import type { Logger } from "../runtime/log.ts";
import { encode } from "../wire/encode.ts";
import { check, type CheckDeps } from "./check.ts";
import { Limiter } from "./limiter.ts";
import type { Outbox } from "./outbox/outbox.ts";
import { type AgentStats, recordLateness, recordResult } from "./stats.ts";
import { ThrottledReport } from "./throttled_report.ts";
import { type Timestamps, toMeta } from "./timestamps.ts";

export interface CheckRunnerDeps extends Omit<CheckDeps, "timestamp" | "onInspectionFailed"> {
  log: Logger;
  stats: AgentStats;
  /** How many checks may run at a time. */
  maxChecks: number;
  timestamps: Timestamps;
  outbox: Pick<Outbox, "add" | "keep" | "waiting" | "dropped">;
}

/** Runs checks when they are due, so many at a time, and puts their results into the outbox. */
export class CheckRunner {
  #deps: CheckRunnerDeps;
  #checkDeps: CheckDeps;
  #limiter: Limiter;
  #cut = new AbortController();
  #running = new Set<Promise<void>>();
  #stopping = false;
  #ownTrouble: ThrottledReport<{ url: string; error: string }>;

  constructor(deps: CheckRunnerDeps) {
    this.#deps = deps;
    this.#limiter = new Limiter(deps.maxChecks);
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

  /**
   * Checks `site` as soon as there is a place. Never rejects.
   *
   * @param due Monotonic time it was due at
   */
  run(site: Site, due: number): Promise<void> {
    const running = this.#run(site, due).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
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

  async #run(site: Site, due: number): Promise<void> {
    const { stats } = this.#deps;
    const place = this.#limiter.acquire();
    stats.waitingForPlace = this.#limiter.waiting;
    await place;
    stats.inFlight = this.#limiter.held;
    try {
      if (!this.#stopping) await this.#check(site, due);
    } catch (error) {
      this.#deps.log.error(
        { error, url: site.url },
        "A check failed in a way that it never should",
      );
    } finally {
      this.#limiter.release();
      stats.inFlight = this.#limiter.held;
      stats.waitingForPlace = this.#limiter.waiting;
    }
  }

  async #check(site: Site, due: number): Promise<void> {
    const { clock, outbox, stats, timestamps } = this.#deps;
    const lateMs = Math.max(0, clock.monotonic() - due);
    recordLateness(stats, lateMs);
    const checked = await check(site, this.#cut.signal, this.#checkDeps, lateMs);
    if (!checked) {
      stats.cut++;
      return;
    }
    const { message, judgement } = checked;
    recordResult(stats, message);
    // An inspection that failed has told of itself.
    if (judgement.verdict === "unknown" && judgement.errorMessage !== null) {
      this.#ownTrouble.add(1, { url: site.url, error: judgement.errorMessage });
    }
    outbox.keep(toMeta(timestamps.state()));
    outbox.add({ key: message.url, value: encode(message) });
    stats.waiting = outbox.waiting;
    stats.dropped = outbox.dropped;
  }
}
