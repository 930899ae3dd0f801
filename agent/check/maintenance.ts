import { Cron } from "croner";
import type { Maintenance } from "../../config/types.ts";
import { keep } from "../bounded_map.ts";

type ByCron = Extract<Maintenance, { kind: "cron" }>;

/** Tells whether a moment is within a maintenance; cheap enough for each check. */
export class MaintenanceCalendar {
  readonly #windows = new WeakMap<ByCron, CronWindow>();
  /** Thousands of sites may have the same one from the defaults. */
  readonly #sameWindows = new Map<string, CronWindow>();

  /** @param now Wall clock, milliseconds since 1970 */
  isOn(maintenances: readonly Maintenance[], now: number): boolean {
    return maintenances.some((maintenance) =>
      maintenance.kind === "once"
        ? maintenance.from <= now && now < maintenance.to
        : this.#windowOf(maintenance).isOn(now)
    );
  }

  #windowOf(maintenance: ByCron): CronWindow {
    const known = this.#windows.get(maintenance);
    if (known) return known;
    const { cron, durationMs, timeZone } = maintenance;
    const key = JSON.stringify([cron, durationMs, timeZone]);
    const window = this.#sameWindows.get(key) ??
      keep(this.#sameWindows, key, new CronWindow(maintenance));
    this.#windows.set(maintenance, window);
    return window;
  }
}

/**
 * A window that opens by a cron expression. What was found is kept until it changes, so that the time
 * zone's arithmetic (0.1 ms) is done twice a window, not once a check.
 */
class CronWindow {
  readonly #cron: Cron;
  readonly #durationMs: number;
  #isOn = false;
  /** When what is known begins and ends to hold. */
  #from = Infinity;
  #until = -Infinity;

  constructor({ cron, durationMs, timeZone }: ByCron) {
    this.#cron = new Cron(cron, { timezone: timeZone });
    this.#durationMs = durationMs;
  }

  isOn(now: number): boolean {
    if (now < this.#from || now >= this.#until) this.#find(now);
    return this.#isOn;
  }

  #find(now: number): void {
    // The first start after this moment is the earliest one that has not ended by now.
    const after = new Date(now - this.#durationMs);
    const start = this.#cron.nextRun(after)?.getTime() ?? Infinity;
    this.#isOn = start <= now;
    this.#from = this.#isOn ? start : now;
    this.#until = this.#isOn ? start + this.#durationMs : start;
  }
}
