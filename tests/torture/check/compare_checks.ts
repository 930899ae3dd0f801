import {
  type AgentEvidence,
  type AgentRun,
  type Checked,
  checkedBy,
  waitedBetween,
} from "./agent_evidence.ts";
import type { Served } from "../load/sites.ts";
import type { ResultRow } from "./tables.ts";

/** A result is on disk within 100 ms of the answer, where the machine has room; the rest is its way. */
const ON_DISK_WITHIN_MS = 150;
/** More of waiting for a core, in the time just before, excuses nothing. */
const WAITED_MOST_MS = 1_000;
/** Until a signal has ended a process. */
const DEAD_WITHIN_MS = 50;
/** How far the clocks of a check and of its site may be apart. */
const APART_MS = 25;

/**
 * I1 and I3 of an agent: each answered request is a row, and each row an answered request. A site's
 * check begins when the one before is over, so a request is of the last that had begun. The sites always
 * answer, so a row with an error message is invented.
 *
 * @param rows The agent's own
 */
export function compareChecks(
  rows: readonly ResultRow[],
  { served, runs, shiftMs }: AgentEvidence,
): { missed: string[]; invented: string[] } {
  // What an agent says of due times that it did not come to is of no request.
  const checks = rows.filter(({ reason }) => reason !== "local_late")
    .map((row) => ({ ...checkedBy(row, shiftMs), taken: false }));
  const byUrl = Map.groupBy(checks.sort((a, b) => a.start - b.start), ({ url }) => url);
  const missed: string[] = [];
  for (const request of served) {
    const check = byUrl.get(request.url)?.find((check, i, all) =>
      !check.taken && check.start - APART_MS <= request.from &&
      request.since < (all[i + 1]?.start ?? Infinity)
    );
    if (check) check.taken = true;
    else if (!runs.some((run) => isExcused(request, run))) {
      missed.push(`no row of the check of ${request.url} at ${at(request.from)}`);
    }
  }
  const invented: string[] = [];
  for (const check of checks) {
    if (check.errorMessage !== null) {
      if (runs.some((run) => isCutBy(check, run))) continue;
      invented.push(`"${check.errorMessage}" of ${check.url} at ${at(check.start)}`);
    } else if (!check.taken) {
      invented.push(`a row of ${check.url} at ${at(check.start)}, which was not asked`);
    }
  }
  return { missed, invented };
}

/** Whether kill -9 came before its result had to be on disk. An orderly stop excuses nothing. */
function isExcused(
  { since, to }: Served,
  run: AgentRun,
): boolean {
  const { startedAt, endedAt, killed } = run;
  const waited = Math.min(WAITED_MOST_MS, waitedBetween(run, endedAt - WAITED_MOST_MS, endedAt));
  return killed && since >= startedAt && since <= endedAt + DEAD_WITHIN_MS &&
    (to === null || to > endedAt - ON_DISK_WITHIN_MS - waited);
}

function isCutBy({ start, end }: Checked, { endedAt, killed }: AgentRun): boolean {
  return killed && start - APART_MS <= endedAt && endedAt <= end + DEAD_WITHIN_MS;
}

function at(ms: number): string {
  return new Date(ms).toISOString();
}
