import type { Clock } from "../clock.ts";
import type { Logger } from "./log.ts";

/** When a spell that goes on is told again, minutes from its start; from the last one on, each hour. */
const REMINDERS_MIN = [1, 5, 15, 60];
/** A failure that words itself anew each time is not told each time. */
const MOST_CAUSES = 10;
/** What fails again within this has not been well: the spell goes on. */
const WELL_MS = 60_000;

/** How a spell's failures are worded. */
interface Wording {
  /** At the first failure, and at each cause that was not told before. */
  failed: string;
  /** In reminders. */
  still: string;
  /** What an operator should do. Failures of one advice are of one cause. */
  advice?: string | null;
  /** What is logged beside the error. */
  fields?: object;
  /** When it was tried, by the monotonic clock: a try of before the end says nothing of after. */
  triedAt?: number;
}

/**
 * A spell of failures in the log: each of its causes once, at ERROR; a reminder after 1, 5, 15 and 60
 * minutes and each hour from then on, with how long and how often; and its end, as a notice. Where it
 * comes back within a minute that is told once, and its end when it was away for a minute. Works that
 * fail of one cause may share it.
 */
export class Spell {
  readonly #clock: Clock;
  readonly #name: string | null;
  readonly #causes = new Set<string>();
  #fails = false;
  #since = 0;
  #failures = 0;
  #reminders = 0;
  /** When it last was over; null: it never was. */
  #endedAt: number | null = null;
  /** Whether it came back since it began. */
  #cameBack = false;
  /** Where its end is not told yet: takes that back. */
  #cancelEnd: (() => void) | null = null;

  /** @param name Of what several works share it for, "The database" for one */
  constructor(clock: Clock, name: string | null = null) {
    this.#clock = clock;
    this.#name = name;
  }

  /** Whether it goes on, as far as the last failure or success says. */
  get isOn(): boolean {
    return this.#fails;
  }

  /** Tells of a failure, unless its cause was told and no reminder is due. */
  failed(log: Logger, error: unknown, wording: Wording): void {
    const { failed, still, advice, fields, triedAt = Infinity } = wording;
    if (!this.#fails && this.#endedAt !== null && triedAt < this.#endedAt) {
      log.debug({ error }, failed);
      return;
    }
    const isBack = !this.#fails && this.#begin();
    this.#failures++;
    const cause = advice ?? causeOf(error);
    const isNew = !this.#causes.has(cause) && this.#causes.size < MOST_CAUSES;
    if (isNew) this.#causes.add(cause);
    const reminders = this.#reminders;
    while (this.#minutes() >= reminderAt(this.#reminders)) this.#reminders++;
    const isDue = this.#reminders > reminders;
    const about = { ...(advice && { advice }), ...fields, error };
    if (isDue) {
      log.error({ ...about, seconds: this.#seconds(), failures: this.#failures }, still);
    } else if (isNew || isBack) log.error(about, failed);
    else log.debug({ error, failures: this.#failures }, failed);
  }

  /** Tells that it is over, if anybody was told of it; by its name, where it has one. */
  ended(log: Logger, message: string, fields: object = {}): void {
    if (!this.#fails) return;
    this.#fails = false;
    this.#endedAt = this.#clock.monotonic();
    const numbers = { seconds: this.#seconds(), failures: this.#failures, ...fields };
    const tell = () => log.notice(numbers, this.#name ? `${this.#name} works again` : message);
    if (!this.#cameBack) return tell();
    this.#cancelEnd = this.#clock.after(WELL_MS, () => {
      this.#cancelEnd = null;
      tell();
    });
  }

  /** @returns Whether it is one that was told to be over */
  #begin(): boolean {
    this.#fails = true;
    const now = this.#clock.monotonic();
    if (this.#endedAt === null || now - this.#endedAt >= WELL_MS) {
      this.#causes.clear();
      this.#since = now;
      this.#failures = this.#reminders = 0;
      this.#cameBack = false;
      return false;
    }
    const wasTold = this.#cancelEnd === null;
    this.#cancelEnd?.();
    this.#cancelEnd = null;
    this.#cameBack = true;
    return wasTold;
  }

  #seconds(): number {
    return Math.round((this.#clock.monotonic() - this.#since) / 100) / 10;
  }

  #minutes(): number {
    return (this.#clock.monotonic() - this.#since) / 60_000;
  }
}

/** One for all that needs the broker and one for the database, so that a cause is told once. */
export interface Spells {
  broker: Spell;
  database: Spell;
}

/** Spells that have not begun. */
export function newSpells(clock: Clock): Spells {
  return { broker: new Spell(clock, "The broker"), database: new Spell(clock, "The database") };
}

function reminderAt(count: number): number {
  return REMINDERS_MIN[count] ?? 60 * (count - REMINDERS_MIN.length + 2);
}

/** What makes two failures the same one: the code and where, else the text without its numbers. */
function causeOf(error: unknown): string {
  const { code, address, port, broker, message } = Object(error) as Record<string, unknown>;
  if (code !== undefined) return [code, broker ?? address, port].join(" ");
  return String(message ?? error).replace(/\d+/g, "#");
}
