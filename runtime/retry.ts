import { backoffMs } from "./backoff.ts";
import { type Clock, sleep } from "./clock.ts";
import type { Logger } from "./log/log.ts";
import { Spell } from "./log/spell.ts";

/** What `retryUntil` is handed. */
export interface RetryDeps {
  clock: Clock;
  log: Logger;
  /** Ends the tries. */
  signal: AbortSignal;
  /** Tells failures that the start of what is asked may have: of these, five in a row are no ERROR. */
  isPassing?: (error: unknown) => boolean;
  /** Told of each failure, also of those that are not logged. */
  onFailure?: (error: unknown) => void;
  /** Shared by works that fail of one cause, so that it is told once. @default one of its own */
  spell?: Spell | ((error: unknown) => Spell);
  /** What an operator should do about a failure, for the log; null: nothing to say. */
  advise?: (error: unknown) => string | null;
  /** What waits meanwhile and the like, for the log. */
  details?: () => object;
}

/** With the waits between them, some four seconds. */
const PASSING_FAILURES = 5;

/**
 * Does `work` until it succeeds, waiting longer after each failure. What fails is told as a `Spell`.
 *
 * @param what For the log, "Storing a batch" for one
 * @param work Is handed a function that ends the spell, for work that goes on when it succeeds
 * @returns What `work` gave, or null when `signal` ended the tries
 */
export async function retryUntil<T>(
  what: string,
  work: (recovered: () => void) => Promise<T>,
  deps: RetryDeps,
): Promise<{ value: T } | null> {
  const { clock, log, signal, spell = new Spell(clock), details = () => ({}) } = deps;
  const { isPassing = () => false, onFailure = () => {}, advise = () => null } = deps;
  const begun = new Set<Spell>();
  let failures = 0;
  let passing = 0;
  const recovered = () => {
    for (const spell of begun) spell.ended(log, `${what} works again`, details());
    begun.clear();
    failures = passing = 0;
  };
  while (!signal.aborted) {
    const triedAt = clock.monotonic();
    try {
      const value = await work(recovered);
      recovered();
      return { value };
    } catch (error) {
      if (signal.aborted) break;
      onFailure(error);
      failures++;
      passing = isPassing(error) ? passing + 1 : 0;
      if (passing > 0 && passing <= PASSING_FAILURES) {
        log.debug({ error, failures }, `${what} failed`);
      } else {
        const one = typeof spell === "function" ? spell(error) : spell;
        begun.add(one);
        one.failed(log, error, {
          failed: `${what} failed, trying again until it works`,
          still: `${what} still fails`,
          advice: advise(error),
          fields: details(),
          triedAt,
        });
      }
      await sleep(clock, backoffMs(failures), signal);
    }
  }
  return null;
}
