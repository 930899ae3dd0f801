import { Histogram } from "../runtime/ops/histogram.ts";
import type { Phases, ResultMessage, Verdict } from "../wire/message.ts";

/** A check that begins later than this after its time counts as late. */
const LATE_MS = 100;

const LATENESS_BOUNDS_MS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
/** A site's timeout is 120 s by default. */
const TIME_BOUNDS_MS = [...LATENESS_BOUNDS_MS, 30_000, 60_000, 120_000];
const PHASE_BOUNDS_MS = [1, 2.5, 5, ...LATENESS_BOUNDS_MS, 30_000];

/** What became of a reload: the new config runs, or was wrong and changed nothing. */
export type Reload = "applied" | "refused";

const phaseHistogram = () => new Histogram(PHASE_BOUNDS_MS);

/** Counters of one agent since its start, and how things stand now. */
export class AgentStats {
  /** Results, of checks and of due times without one. */
  checked = 0;
  readonly verdicts: Record<Verdict, number> = { up: 0, degraded: 0, down: 0, unknown: 0 };
  /** Checks whose verdict is not "up", by the rule or the error class that decided; seen ones alone. */
  readonly reasons = new Map<string, number>();
  /** Of each result, milliseconds. */
  readonly responseTimes = new Histogram(TIME_BOUNDS_MS);
  /** Of each result that has them, milliseconds. */
  readonly phases: Record<keyof Phases, Histogram> = {
    dns: phaseHistogram(),
    connect: phaseHistogram(),
    tls: phaseHistogram(),
    firstByte: phaseHistogram(),
    download: phaseHistogram(),
  };
  /** Checks under way. */
  inFlight = 0;
  /** Checks that are due and wait for one of `max_concurrent_checks` places. */
  waitingForPlace = 0;
  /** Checks that began over 100 ms after their time. */
  late = 0;
  /** How long after their time checks began, milliseconds. */
  readonly lateness = new Histogram(LATENESS_BOUNDS_MS);
  /** Due times without a check of their own: the one before still ran, or nobody came in time. */
  skipped = 0;
  /** Checks cut short by stopping; they gave no result. */
  cut = 0;
  /** Times that the event loop stood still for over a second. */
  stalls = 0;
  /** Results that the broker acknowledged. */
  published = 0;
  /** Results that the broker refused for good, now in the outbox's `refused` table. */
  refused = 0;
  /** Results lost to the outbox's caps, to age or to a full disk. */
  dropped = 0;
  /** Results that wait for the broker, on disk or in memory. */
  waiting = 0;
  sends = 0;
  sendFailures = 0;
  /** How far the clock is ahead of the broker's at the last send, milliseconds; null: not known. */
  clockSkewMs: number | null = null;
  readonly reloads: Record<Reload, number> = { applied: 0, refused: 0 };
  /** Null before the first one. */
  lastReload: Reload | null = null;

  /** Counts a check that begins `lateMs` after its time. */
  recordLateness(lateMs: number): void {
    this.lateness.record(lateMs);
    if (lateMs > LATE_MS) this.late++;
  }

  /** Counts a result: of a check, or of due times that nobody came to. */
  recordResult(
    { verdict, reason, responseTime, phases, slots = 1 }: Pick<
      ResultMessage,
      "verdict" | "reason" | "responseTime" | "phases" | "slots"
    >,
    isOfCheck = true,
  ): void {
    this.checked++;
    this.skipped += isOfCheck ? slots - 1 : slots;
    if (verdict !== undefined) this.verdicts[verdict]++;
    if (reason !== undefined) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    if (!isOfCheck) return;
    this.responseTimes.record(responseTime);
    if (phases === undefined) return;
    for (const name of Object.keys(this.phases) as (keyof Phases)[]) {
      this.phases[name].record(phases[name]);
    }
  }

  /** Counts a reload of the config. */
  recordReload(reload: Reload): void {
    this.reloads[reload]++;
    this.lastReload = reload;
  }
}
