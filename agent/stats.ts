import { Histogram } from "../runtime/histogram.ts";
import type { Phases, ResultMessage, Verdict } from "../wire/message.ts";

/** A check that begins later than this after its time counts as late. */
export const LATE_MS = 100;

const LATENESS_BOUNDS_MS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
/** A site's timeout is 120 s by default. */
const TIME_BOUNDS_MS = [...LATENESS_BOUNDS_MS, 30_000, 60_000, 120_000];
const PHASE_BOUNDS_MS = [1, 2.5, 5, ...LATENESS_BOUNDS_MS, 30_000];

/** What became of a reload: the new config runs, or was wrong and changed nothing. */
export type Reload = "applied" | "refused";

/** Counters of one agent since its start, and how things stand now. */
export interface AgentStats {
  /** Results, of checks and of due times without one. */
  checked: number;
  verdicts: Record<Verdict, number>;
  /** Checks whose verdict is not "up", by the rule or the error class that decided; seen ones alone. */
  reasons: Map<string, number>;
  /** Of each result, milliseconds. */
  responseTimes: Histogram;
  /** Of each result that has them, milliseconds. */
  phases: Record<keyof Phases, Histogram>;
  /** Checks under way. */
  inFlight: number;
  /** Checks that are due and wait for one of `max_concurrent_checks` places. */
  waitingForPlace: number;
  /** Checks that began over 100 ms after their time. */
  late: number;
  /** How long after their time checks began, milliseconds. */
  lateness: Histogram;
  /** Due times without a check of their own: the one before still ran, or nobody came in time. */
  skipped: number;
  /** Checks cut short by stopping; they gave no result. */
  cut: number;
  /** Times that the event loop stood still for over a second. */
  stalls: number;
  /** Results that the broker acknowledged. */
  published: number;
  /** Results that the broker refused for good, now in the outbox's `refused` table. */
  refused: number;
  /** Results lost to the outbox's caps, to age or to a full disk. */
  dropped: number;
  /** Results that wait for the broker, on disk or in memory. */
  waiting: number;
  sends: number;
  sendFailures: number;
  /** How far the clock is ahead of the broker's at the last send, milliseconds; null: not known. */
  clockSkewMs: number | null;
  reloads: Record<Reload, number>;
  /** Null before the first one. */
  lastReload: Reload | null;
}

export function newStats(): AgentStats {
  return {
    checked: 0,
    verdicts: { up: 0, degraded: 0, down: 0, unknown: 0 },
    reasons: new Map(),
    responseTimes: new Histogram(TIME_BOUNDS_MS),
    phases: {
      dns: new Histogram(PHASE_BOUNDS_MS),
      connect: new Histogram(PHASE_BOUNDS_MS),
      tls: new Histogram(PHASE_BOUNDS_MS),
      firstByte: new Histogram(PHASE_BOUNDS_MS),
      download: new Histogram(PHASE_BOUNDS_MS),
    },
    inFlight: 0,
    waitingForPlace: 0,
    late: 0,
    lateness: new Histogram(LATENESS_BOUNDS_MS),
    skipped: 0,
    cut: 0,
    stalls: 0,
    published: 0,
    refused: 0,
    dropped: 0,
    waiting: 0,
    sends: 0,
    sendFailures: 0,
    clockSkewMs: null,
    reloads: { applied: 0, refused: 0 },
    lastReload: null,
  };
}

/** Counts a check that begins `lateMs` after its time. */
export function recordLateness(stats: AgentStats, lateMs: number): void {
  stats.lateness.record(lateMs);
  if (lateMs > LATE_MS) stats.late++;
}

/** Counts a result: of a check, or of due times that nobody came to. */
export function recordResult(
  stats: AgentStats,
  { verdict, reason, responseTime, phases, slots = 1 }: Pick<
    ResultMessage,
    "verdict" | "reason" | "responseTime" | "phases" | "slots"
  >,
  isOfCheck = true,
): void {
  stats.checked++;
  stats.skipped += isOfCheck ? slots - 1 : slots;
  if (verdict !== undefined) stats.verdicts[verdict]++;
  if (reason !== undefined) stats.reasons.set(reason, (stats.reasons.get(reason) ?? 0) + 1);
  if (!isOfCheck) return;
  stats.responseTimes.record(responseTime);
  if (phases === undefined) return;
  for (const name of Object.keys(stats.phases) as (keyof Phases)[]) {
    stats.phases[name].record(phases[name]);
  }
}

/** Counts a reload of the config. */
export function recordReload(stats: AgentStats, reload: Reload): void {
  stats.reloads[reload]++;
  stats.lastReload = reload;
}
