import type { Waited } from "../product/product.ts";
import type { Served } from "../load/sites.ts";
import type { ResultRow } from "./tables.ts";

/** One process of the agent; milliseconds since 1970. */
export interface AgentRun {
  startedAt: number;
  /** When it said that it runs; null: it did not come to that. */
  readyAt: number | null;
  /** When the signal went out that ended it. */
  endedAt: number;
  killed: boolean;
  waits: readonly Waited[];
}

/** How long it may have waited for a core between two times, milliseconds. */
export function waitedBetween({ waits }: AgentRun, from: number, to: number): number {
  const before = waits.findLast(({ at }) => at <= from)?.ms ?? 0;
  const after = waits.find(({ at }) => at >= to) ?? waits.at(-1);
  return Math.max(0, (after?.ms ?? 0) - before);
}

/** What is known of a real agent's checks beside its results. */
export interface AgentEvidence {
  served: readonly Served[];
  runs: readonly AgentRun[];
  /** By how much its clock is ahead. */
  shiftMs: number;
}

/** "YYYY-MM-DD HH:MM:SS.ffffff", UTC, as milliseconds since 1970 with their fractions. */
export function momentOf(ts: string): number {
  return Date.parse(`${ts.slice(0, 10)}T${ts.slice(11, 23)}Z`) + Number(ts.slice(23)) / 1000;
}

/** A check as its row tells it, by the harness's clock. */
export interface Checked {
  url: string;
  start: number;
  end: number;
  errorMessage: string | null;
}

export function checkedBy({ ts, url, responseTime, errorMessage }: ResultRow, shiftMs: number) {
  const start = momentOf(ts) - shiftMs;
  return { url, start, end: start + (responseTime ?? 0), errorMessage };
}
