import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";

/** When a spell that goes on is told again, minutes from its start; from the last one on, each hour. */
const REMINDERS_MIN = [1, 5, 15, 60];
/** A failure that words itself anew each time is not told each time. */
const MOST_CAUSES = 10;

/** How a spell's failures are worded. */
interface Wording {
  /** At the first failure, and at each cause that was not told before. */
  failed: string;
  /** In reminders. */
  still: string;
  /** What is logged beside the error. */
  fields?: object;
}

/**
 * A spell of failures in the log: each of its causes once, at ERROR; a reminder after 1, 5, 15 and 60
 * minutes and each hour from then on, with how long and how often; and its end, as a notice. Works
 * that fail of one cause may share it.
 */
export class Spell {
  readonly #clock: Clock;
  readonly #causes = new Set<string>();
  #since = 0;
  #failures = 0;
  #reminders = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether one of its failures is in the log. */
  get isTold(): boolean {
    return this.#causes.size > 0;
  }

  /** Tells of a failure, unless its cause was told and no reminder is due. */
  failed(log: Logger, error: unknown, { failed, still, fields }: Wording): void {
    if (!this.isTold) {
      this.#since = this.#clock.monotonic();
      this.#failures = this.#reminders = 0;
    }
    this.#failures++;
    const cause = causeOf(error);
    const isNew = !this.#causes.has(cause) && this.#causes.size < MOST_CAUSES;
    if (isNew) this.#causes.add(cause);
    const reminders = this.#reminders;
    while (this.#minutes() >= reminderAt(this.#reminders)) this.#reminders++;
    const isDue = this.#reminders > reminders;
    if (isNew && !isDue) log.error({ ...fields, error }, failed);
    else if (isDue) {
      log.error({ ...fields, error, seconds: this.#seconds(), failures: this.#failures }, still);
    } else log.debug({ error, failures: this.#failures }, failed);
  }

  /** Tells that it is over, if anybody was told of it. */
  ended(log: Logger, message: string, fields: object = {}): void {
    if (!this.isTold) return;
    log.notice({ seconds: this.#seconds(), failures: this.#failures, ...fields }, message);
    this.#causes.clear();
  }

  #seconds(): number {
    return Math.round((this.#clock.monotonic() - this.#since) / 100) / 10;
  }

  #minutes(): number {
    return (this.#clock.monotonic() - this.#since) / 60_000;
  }
}

function reminderAt(count: number): number {
  return REMINDERS_MIN[count] ?? 60 * (count - REMINDERS_MIN.length + 2);
}

/** What makes two failures the same one: the code, else the text without its numbers. */
function causeOf(error: unknown): string {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  return String(code ?? message ?? error).replace(/\d+/g, "#");
}
