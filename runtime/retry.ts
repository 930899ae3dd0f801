import { backoffMs } from "./backoff.ts";
import { type Clock, sleep } from "./clock.ts";
import type { Logger } from "./log.ts";

/** What `retryUntil` is handed. */
export interface RetryDeps {
  clock: Clock;
  log: Logger;
  /** Ends the tries. */
  signal: AbortSignal;
  /** Tells failures that a healthy start may have: of these, the first five are no ERROR. */
  isPassing?: (error: unknown) => boolean;
}

/** With the waits between them, some four seconds. */
const PASSING_FAILURES = 5;

/**
 * Does `work` until it succeeds, waiting longer after each failure. A spell of failures is two lines
 * in the log: an ERROR at its first, an INFO at its end.
 *
 * @param what For the log, "Storing a batch" for one
 * @returns What `work` gave, or null when `signal` ended the tries
 */
export async function retryUntil<T>(
  what: string,
  work: () => Promise<T>,
  { clock, log, signal, isPassing = () => false }: RetryDeps,
): Promise<{ value: T } | null> {
  const start = clock.monotonic();
  let told = false;
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      const value = await work();
      if (told) {
        const seconds = Math.round((clock.monotonic() - start) / 100) / 10;
        log.info({ attempts: attempt, seconds }, `${what} works again`);
      }
      return { value };
    } catch (error) {
      if (signal.aborted) break;
      if (told || (attempt <= PASSING_FAILURES && isPassing(error))) {
        log.debug({ error, attempt }, `${what} failed`);
      } else {
        log.error({ error }, `${what} failed, trying again until it works`);
        told = true;
      }
      await sleep(clock, backoffMs(attempt), signal);
    }
  }
  return null;
}
