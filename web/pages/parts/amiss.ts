import type { Process } from "../../data/monitor/ops.ts";
import type { Pipeline } from "../../data/monitor/pipeline.ts";
import { HOUR_MS } from "../../data/past/history.ts";
import { plural } from "./format.ts";

/** A topic that is read says something at least so often, where sites are checked each minute. */
export const QUIET_MS = 3 * 60_000;
/** Writers roll an hour up within minutes of a mark. */
const ROLLUP_LATE_MS = 3 * HOUR_MS;

interface Around {
  now: number;
  /** When the newest result was made. */
  newest: number;
  /** Agents. */
  silent: number;
  processes: readonly Process[];
}

/** What somebody should see to, the worst first. */
export function whatIsAmiss(
  { deadLetters, notifications, rollups }: Pipeline,
  { now, newest, silent, processes }: Around,
): string[] {
  const dead = total(deadLetters, ({ count }) => count);
  const overdue = total(notifications, ({ overdue }) => overdue);
  const failed = total(notifications, ({ failed }) => failed);
  const mute = processes.filter(({ error }) => error !== null).length;
  const unready = processes.filter(({ error, value }) =>
    error === null && value("httpmon_ready") === 0
  );
  const isLate = rollups.some(({ what, oldest }) =>
    what === "marks of hours" && oldest !== null && now - oldest > ROLLUP_LATE_MS
  );
  return [
    now - newest > QUIET_MS && "No results are coming in",
    silent > 0 && plural(silent, "agent is silent", "agents are silent"),
    mute > 0 && plural(mute, "process does not answer", "processes do not answer"),
    unready.length > 0 && plural(unready.length, "process is not ready", "processes are not ready"),
    overdue > 0 && plural(overdue, "notification is overdue", "notifications are overdue"),
    failed > 0 && plural(failed, "notification was given up", "notifications were given up"),
    dead > 0 && plural(dead, "dead letter"),
    isLate && "Rollups are behind: is a writer or httpmon maintain running?",
  ].filter((one) => one !== false);
}

export function total<T>(of: readonly T[], value: (one: T) => number): number {
  return of.reduce((sum, one) => sum + value(one), 0);
}
