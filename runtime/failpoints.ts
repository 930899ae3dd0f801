import process from "node:process";

/**
 * Places where a test may hold the program still, to kill or freeze it there:
 *
 * - store.before_call: a batch is about to be sent to the database
 * - store.after_commit: committed, Kafka does not know
 * - consume.after_both: Kafka knows, too
 * - agent.after_send: the broker has acknowledged results that are still in the outbox
 */
const FAILPOINTS = [
  "store.before_call",
  "store.after_commit",
  "consume.after_both",
  "agent.after_send",
] as const;

export type Failpoint = typeof FAILPOINTS[number];

/** Called where the program passes a failpoint. */
export type PassFailpoint = (name: Failpoint) => void;

/** What passing does in production: nothing. */
export const noFailpoints: PassFailpoint = () => {};

/**
 * Reads what the environment variable HTTPMON_FAILPOINTS says: "NAME=PASS:MS" with commas between.
 * At the PASS-th time that it comes by there, the program says "failpoint NAME" on standard error and
 * stands still, event loop and all, for MS milliseconds. Killing is left to who reads that: so the
 * program needs no permission for it.
 *
 * @param text Left out or empty: no failpoints, and passing one costs nothing
 * @throws {RangeError} For what is not of that form, or a name that is not in FAILPOINTS
 */
export function failpointsFrom(
  text: string | undefined = process.env.HTTPMON_FAILPOINTS,
): PassFailpoint {
  if (!text) return noFailpoints;
  const left = new Map<string, { passes: number; ms: number }>();
  for (const part of text.split(",")) {
    const [, name, pass, ms] = /^([\w.]+)=(\d+):(\d+)$/.exec(part) ?? [];
    if (!FAILPOINTS.includes(name as Failpoint)) {
      throw new RangeError(`HTTPMON_FAILPOINTS needs "NAME=PASS:MS", found "${part}"`);
    }
    left.set(name!, { passes: Number(pass), ms: Number(ms) });
  }
  return (name) => {
    const point = left.get(name);
    if (!point || --point.passes !== 0) return;
    process.stderr.write(`failpoint ${name}\n`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, point.ms);
  };
}
