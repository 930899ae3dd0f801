import type { NoticeEvent } from "../message/message.ts";

/** A notification that could be sent now, with what decides in which message it goes. */
export interface Candidate {
  id: string;
  key: string;
  incidentId: string;
  event: NoticeEvent;
  attempts: number;
  /** Since it was owed, milliseconds. */
  ageMs: number;
  /** Of the notification that it opened. */
  thread: string;
  kind: string;
  /** Of the first agent that voted for it, the rule or class; else the cause. */
  reason: string;
  /** Of the site's URL; empty where there is none. */
  host: string;
  /** Of the site, where TLS failed; else empty. */
  certificate: string;
  /** Whether its incident is over, too, and nobody was told that it had opened. */
  includesOpening: boolean;
}

/** What is known of a thread of several incidents. */
export interface Thread {
  /** Messages with resolutions that were sent. */
  resolutions: number;
  /** Incidents that are open still. */
  left: number;
  size: number;
}

/** Notifications that go in one message. */
export interface Planned {
  key: string;
  thread: string;
  event: NoticeEvent;
  includesOpening: boolean;
  attempts: number;
  ids: string[];
  incidentIds: string[];
}

export interface PlanOptions {
  /** The longest that sites of one host are waited for. */
  groupWaitMs: number;
  /** How many sites the config has at a host. */
  sitesAt: (host: string) => number;
  threads: ReadonlyMap<string, Thread>;
  /** Messages with many incidents that opened, sent in the last minute. */
  recentStorms: number;
  hasThreads: boolean;
  /** The most incidents of a message. */
  most: number;
}

/** So many at a time are told by what they have in common, not by host. */
export const MANY = 10;
/** What is seen of several agents in one batch, or of several batches. */
const SHORT_WAIT_MS = 2_000;
const STORM_WAIT_MS = 5_000;
const MOST_WAIT_MS = 30_000;

/**
 * Says what is sent now, and in which messages; the rest waits. What was tried goes as it went. What
 * opens is told together where it is alike: sites of one host (or certificate) that fail for one
 * reason, within `groupWaitMs`; or where there are many at once, all that fail for one reason. What
 * follows is told together where it was opened together.
 */
export function plan(candidates: readonly Candidate[], options: PlanOptions): Planned[] {
  const tried = candidates.filter(({ attempts }) => attempts > 0);
  const fresh = candidates.filter(({ attempts }) => attempts === 0);
  const isOpening = ({ event, includesOpening }: Candidate) =>
    event === "opened" || includesOpening;
  const found = [
    ...openings(fresh.filter(isOpening), options),
    ...followUps(fresh.filter((one) => !isOpening(one)), options),
  ].flatMap((group) => split(group, options.most));
  return [...groups(tried, ({ key }) => key), ...found].map(toPlanned);
}

function openings(fresh: readonly Candidate[], options: PlanOptions): Candidate[][] {
  const { groupWaitMs, sitesAt, recentStorms } = options;
  const isStorm = fresh.length > MANY;
  const alike = ({ event, kind, reason }: Candidate) => `${event} ${kind} ${reason}`;
  const place = ({ host, certificate }: Candidate) => certificate || host;
  const found = groups(fresh, (one) => isStorm ? alike(one) : `${alike(one)} ${place(one)}`);
  const stormWaitMs = Math.min(STORM_WAIT_MS * 2 ** recentStorms, MOST_WAIT_MS, groupWaitMs);
  return found.filter((group) => {
    const { host } = group[0]!;
    const isWhole = host === "" || group.length >= sitesAt(host);
    const waitMs = isStorm ? stormWaitMs : isWhole ? SHORT_WAIT_MS : groupWaitMs;
    return oldest(group) >= Math.min(waitMs, groupWaitMs) || group[0]!.event !== "opened";
  });
}

function followUps(fresh: readonly Candidate[], options: PlanOptions): Candidate[][] {
  const { threads, hasThreads } = options;
  const byThread = groups(fresh, ({ event, thread }) => `${event} ${thread}`)
    .filter((group) => {
      const { event, thread } = group[0]!;
      const known = threads.get(thread);
      if (!known || known.size === 1 || known.left === 0 || event !== "resolved") return true;
      // Sites that come back one by one: the more was said of them, the longer the wait.
      return oldest(group) >= Math.min(STORM_WAIT_MS * 2 ** known.resolutions, 2 * MOST_WAIT_MS);
    });
  if (hasThreads || byThread.length <= MANY) return byThread;
  return groups(byThread.flat(), ({ event, kind }) => `${event} ${kind}`);
}

function oldest(group: readonly Candidate[]): number {
  return Math.max(...group.map(({ ageMs }) => ageMs));
}

function groups(
  candidates: readonly Candidate[],
  keyOf: (one: Candidate) => string,
): Candidate[][] {
  return [...Map.groupBy(candidates, keyOf).values()];
}

function split(group: readonly Candidate[], most: number): Candidate[][] {
  const parts: Candidate[][] = [];
  for (let n = 0; n < group.length; n += most) parts.push(group.slice(n, n + most));
  return parts;
}

function toPlanned(group: readonly Candidate[]): Planned {
  const { key, thread, event, attempts } = group[0]!;
  return {
    ...{ key, event, attempts },
    thread: event === "opened" ? key : thread,
    includesOpening: group.every(({ includesOpening }) => includesOpening),
    ids: group.map(({ id }) => id),
    incidentIds: group.map(({ incidentId }) => incidentId),
  };
}
