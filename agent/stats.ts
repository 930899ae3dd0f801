import type { Verdict } from "../wire/message.ts";

/** A check that begins later than this after its time counts as late. */
export const LATE_MS = 100;

/** Upper bounds in milliseconds of the lateness histogram's buckets; a last one has no bound. */
export const LATENESS_BUCKETS_MS: readonly number[] = [
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
];

/** Counters of one agent since its start, and how things stand now. */
export interface AgentStats {
  /** Checks that gave a result. */
  checked: number;
  verdicts: Record<Verdict, number>;
  /** Checks under way. */
  inFlight: number;
  /** Checks that are due and wait for one of `max_concurrent_checks` places. */
  waitingForPlace: number;
  /** Checks that began over 100 ms after their time. */
  late: number;
  /** Checks by how late they began: as many as LATENESS_BUCKETS_MS, and one more. */
  lateness: number[];
  latenessSumMs: number;
  /** Slots that passed without a check: the one before was still running, or the agent stood still. */
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
}

export function newStats(): AgentStats {
  return {
    checked: 0,
    verdicts: { up: 0, degraded: 0, down: 0, unknown: 0 },
    inFlight: 0,
    waitingForPlace: 0,
    late: 0,
    lateness: new Array(LATENESS_BUCKETS_MS.length + 1).fill(0),
    latenessSumMs: 0,
    skipped: 0,
    cut: 0,
    stalls: 0,
    published: 0,
    refused: 0,
    dropped: 0,
    waiting: 0,
    sends: 0,
    sendFailures: 0,
  };
}

/** Counts a check that begins `lateMs` after its time. */
export function recordLateness(stats: AgentStats, lateMs: number): void {
  const bucket = LATENESS_BUCKETS_MS.findIndex((bound) => lateMs <= bound);
  stats.lateness[bucket < 0 ? LATENESS_BUCKETS_MS.length : bucket]!++;
  stats.latenessSumMs += lateMs;
  if (lateMs > LATE_MS) stats.late++;
}
