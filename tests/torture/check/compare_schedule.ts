import { type AgentEvidence, momentOf, waitedBetween } from "./agent_evidence.ts";
import type { ResultRow } from "./tables.ts";

/** Of each site. */
const FREQUENCY_MS = 1_000;
/** A request that is later than this has left a slot out. */
const LEFT_OUT_MS = 1_500;
const LATE_P99_MS = 500;

/**
 * I10: by what the sites were asked, from which nothing is missing when an agent stands still, and by
 * what the rows say of themselves. That it had to wait for a core is not an agent's fault.
 *
 * @param rows The agent's own
 */
export function compareSchedule(
  rows: readonly ResultRow[],
  { served, runs, shiftMs }: AgentEvidence,
): { wrong: string[]; notes: string[] } {
  const wrong: string[] = [];
  if (rows.length === 0) wrong.push("no check is in the table");
  const urls = new Set([...served, ...rows].map(({ url }) => url));
  const byUrl = Map.groupBy(served, ({ url }) => url);
  const asked: number[] = [];
  for (const run of runs) {
    const { startedAt, readyAt, endedAt } = run;
    // It was ended before it began.
    if (readyAt === null) continue;
    if (urls.size === 0) wrong.push("no site was asked");
    for (const url of urls) {
      const requests = (byUrl.get(url) ?? [])
        .filter(({ from, since }) => startedAt <= from && since <= endedAt)
        .sort((a, b) => a.from - b.from);
      const times = [{ from: readyAt }, ...requests];
      for (const [i, { from }] of times.entries()) {
        const next = requests[i]?.since;
        const late = (next ?? endedAt) - from - FREQUENCY_MS;
        const own = late - waitedBetween(run, from, next ?? endedAt);
        if (own > LEFT_OUT_MS) {
          const time = new Date(from).toISOString();
          wrong.push(`${url} not asked for ${late + FREQUENCY_MS} ms from ${time}`);
        }
        if (next !== undefined && i > 0) asked.push(...slotsLate(own));
      }
    }
  }
  const told = rows.flatMap(({ ts, lateness }) => {
    if (lateness === null || lateness === undefined) return [];
    const start = momentOf(ts) - shiftMs;
    const run = runs.find(({ startedAt, endedAt }) => startedAt <= start && start <= endedAt);
    return Math.max(0, lateness - (run ? waitedBetween(run, start - lateness, start) : 0));
  });
  const notes = [lateness("told", told), lateness("asked", asked)];
  if (p99(told) > LATE_P99_MS) wrong.push(notes[0]!);
  if (p99(asked) > LATE_P99_MS) wrong.push(notes[1]!);
  return { wrong, notes };
}

/** A request that is late by 2.3 s stands for three slots, late by 2.3, 1.3 and 0.3 s. */
function slotsLate(late: number): number[] {
  const slots = [Math.max(0, late)];
  for (let left = late - FREQUENCY_MS; left > 0; left -= FREQUENCY_MS) slots.push(left);
  return slots;
}

/** 0 of none. */
function p99(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
}

function lateness(name: string, values: readonly number[]): string {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return `p99 of lateness ${name} ${p99(values).toFixed(0)} ms, most ${most.toFixed(0)} ms`;
}
