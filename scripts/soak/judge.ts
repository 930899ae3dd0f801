import { scheduleFault } from "./schedule.ts";
import { largest, median, quantile } from "../measure/statistics.ts";
import type { Tally } from "./tally.ts";
import type { Usage } from "../measure/usage.ts";

/** One thing that the soak is to show. */
export interface Finding {
  passed: boolean;
  /** What was looked at, with what was measured. */
  text: string;
  /** What is wrong, a line each. */
  faults: string[];
}

/** What is measured and still passes. */
export interface Bounds {
  /** Milliseconds from when a check is due to when it begins, of 99 % of the checks. */
  latenessP99: number;
  /** The memory's median of the last quarter of the run, over that of the third quarter. */
  memoryRatio: number;
  /** Bytes that it may grow beside. */
  memorySlack: number;
}

/** How the agent ran. */
export interface AgentRun {
  exitCode: number;
  /** When its schedule began, and when it was asked to stop; milliseconds since 1970. */
  startedAt: number;
  stoppedAt: number;
  /** The fields of its last line. */
  summary: Readonly<Record<string, unknown>>;
  /** Lines of its log at WARN or above, and what is no line of a log. */
  complaints: readonly string[];
  /** Taken at even intervals between the two times. */
  usage: readonly Usage[];
  /** Why the machine may be to blame for what came too late; null: it had cores enough. */
  starved: string | null;
}

/** Who stands in line for a core for a larger share of the time than this is slowed by it. */
const MOST_WAITED = 0.15;

/**
 * Says in words that the machine was too busy; null where it was not.
 *
 * @param waited By who it was, how long each stood in line for a core, seconds
 * @param seconds How long the soak took
 */
export function starvation(
  waited: Readonly<Record<string, number>>,
  seconds: number,
): string | null {
  const slowed = Object.entries(waited).filter(([, one]) => one > MOST_WAITED * seconds);
  if (slowed.length === 0) return null;
  const whom = slowed.map(([who, one]) =>
    `${who} stood in line for a core for ${one.toFixed(0)} s`
  );
  return `Run it again on a quiet machine: of ${seconds} s, ${whom.join(", ")}`;
}

/** More faults of a kind than this are counted, not listed. */
const MOST_FAULTS = 10;

/** Holds a soak against what it is to show. */
export function judge(run: AgentRun, tally: Tally, frequency: number, bounds: Bounds): Finding[] {
  const ofTime = [
    finding(
      "The agent ended with 0 when asked to stop",
      run.exitCode === 0 ? [] : [`It ended with ${run.exitCode}`],
    ),
    finding("Its log has nothing at WARN or above", run.complaints),
    finding(
      `The topic has a valid record for each result (${tally.records} records, ` +
        `${tally.duplicates} of them sent twice)`,
      [...publishedFaults(run.summary, tally), ...listed(tally.strange)],
    ),
    classes(tally),
    schedule(run, tally, frequency * 1000),
    lateness(run, tally, bounds),
  ];
  for (const { passed, faults } of ofTime) if (!passed && run.starved) faults.push(run.starved);
  return [...ofTime, memory(run.usage, bounds)];
}

function publishedFaults(summary: AgentRun["summary"], tally: Tally): string[] {
  const results = tally.records - tally.duplicates;
  const expected = { checked: results, published: results, dropped: 0, refused: 0, waiting: 0 };
  return Object.entries(expected)
    .filter(([name, value]) => summary[name] !== value)
    .map(([name, value]) => `The agent's "${name}" is ${summary[name]}, not ${value}`);
}

function classes(tally: Tally): Finding {
  const behaviours = new Set([...tally.sites.values()].map(({ site }) => site.behaviour));
  return finding(
    `Each result has the right verdict, reason and class (${behaviours.size} behaviours)`,
    listed(tally.wrong),
  );
}

function schedule(run: AgentRun, tally: Tally, frequencyMs: number): Finding {
  const faults: string[] = [];
  let passed = 0;
  for (const { site, checks } of tally.sites.values()) {
    const fault = scheduleFault(checks, run, frequencyMs);
    if (fault !== null) faults.push(`"${site.url}" (${site.behaviour}) ${fault}`);
    passed += checks.reduce((sum, { slots }) => sum + slots - 1, 0);
  }
  const { skipped } = run.summary;
  if (skipped !== passed) faults.push(`The agent's "skipped" is ${skipped}, not ${passed}`);
  return finding(
    `Each of ${tally.sites.size} sites was checked every ${frequencyMs / 1000} s (passed while a ` +
      `check was under way, and answered for: ${passed})`,
    faults,
  );
}

function lateness({ summary }: AgentRun, { lateness }: Tally, { latenessP99 }: Bounds): Finding {
  const p99 = quantile(lateness, 0.99);
  const text = `Checks began in time: ${ms(median(lateness))} after it at the median, ${ms(p99)} ` +
    `at p99, ${ms(largest(lateness))} at most; ${summary.late} over 100 ms`;
  return finding(text, p99 <= latenessP99 ? [] : [`p99 is to be at most ${latenessP99} ms`]);
}

function memory(usage: readonly Usage[], { memoryRatio, memorySlack }: Bounds): Finding {
  const quarter = (n: number) =>
    median(
      usage.slice(Math.floor(usage.length * n / 4), Math.floor(usage.length * (n + 1) / 4))
        .map(({ rss }) => rss),
    );
  const [third, last] = [quarter(2), quarter(3)];
  const most = third * memoryRatio + memorySlack;
  const text =
    `Its memory is flat: ${mib(third)} in the third quarter of the run, ${mib(last)} in ` +
    `the last, ${mib(largest(usage.map(({ rss }) => rss)))} at most`;
  return finding(text, last <= most ? [] : [`The last is to be at most ${mib(most)}`]);
}

function finding(text: string, faults: readonly string[]): Finding {
  const more = faults.length - MOST_FAULTS;
  const shown = more > 0 ? [...faults.slice(0, MOST_FAULTS), `and ${more} more`] : [...faults];
  return { passed: faults.length === 0, text, faults: shown };
}

function listed(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].sort((a, b) => b[1] - a[1]).map(([what, times]) => `${times} x ${what}`);
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

/** Bytes as text. */
export function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(0)} MiB`;
}
