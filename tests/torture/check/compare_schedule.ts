import type { AgentEvidence } from "./agent_evidence.ts";
import { slowness } from "../patience.ts";
import type { ResultRow } from "./tables.ts";

/** Of each site. */
const FREQUENCY_MS = 1_000;
/** A request that is later than this has left a slot out. */
const LEFT_OUT_MS = 1_500;
const LATE_P99_MS = 500;

/**
 * I10: by what the sites were asked, from which nothing is missing when an agent stands still, and by
 * what the rows say of themselves.
 *
 * @param rows The agent's own
 * @param crowding How much wanted to run for each core
 */
export function compareSchedule(
  rows: readonly ResultRow[],
  { served, runs }: AgentEvidence,
  crowding = 1,
): { wrong: string[]; notes: string[] } {
  const slow = slowness(crowding);
  const wrong: string[] = [];
  if (rows.length === 0) wrong.push("no check is in the table");
  const urls = new Set([...served, ...rows].map(({ url }) => url));
  const byUrl = Map.groupBy(served, ({ url }) => url);
  const asked: number[] = [];
  for (const { startedAt, readyAt, endedAt } of runs) {
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
        if (late > LEFT_OUT_MS * slow) {
          const time = new Date(from).toISOString();
          wrong.push(`${url} not asked for ${late + FREQUENCY_MS} ms from ${time}`);
        }
        if (next !== undefined && i > 0) asked.push(...slotsLate(late));
      }
    }
  }
  const told = rows.flatMap(({ lateness }) => lateness ?? []);
  const notes = [lateness("told", told), lateness("asked", asked)];
  if (p99(told) > LATE_P99_MS * slow) wrong.push(notes[0]!);
  if (p99(asked) > LATE_P99_MS * slow) wrong.push(notes[1]!);
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
