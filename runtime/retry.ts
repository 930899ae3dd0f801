import { backoffMs } from "./backoff.ts";
import { type Clock, sleep } from "./clock.ts";
import type { Logger } from "./log.ts";

/** What `retryUntil` is handed. */
export interface RetryDeps {
  clock: Clock;
  log: Logger;
  /** Ends the tries. */
  signal: AbortSignal;
}

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
  { clock, log, signal }: RetryDeps,
): Promise<{ value: T } | null> {
  const start = clock.monotonic();
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      const value = await work();
      if (attempt > 1) {
        const seconds = Math.round((clock.monotonic() - start) / 100) / 10;
        log.info({ attempts: attempt, seconds }, `${what} works again`);
      }
      return { value };
    } catch (error) {
      if (signal.aborted) break;
      if (attempt === 1) log.error({ error }, `${what} failed, trying again until it works`);
      else log.debug({ error, attempt }, `${what} failed again`);
      await sleep(clock, backoffMs(attempt), signal);
    }
  }
  return null;
}
