import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { MAX_IN_MEMORY } from "./pending.ts";
import type { Damaged } from "./protocol.ts";
import { OutboxError } from "./thread.ts";

/** Whether the disk takes what it is given, and what the next try has to do first; says so in the log. */
export class DiskState {
  #clock: Clock;
  #log: Logger;
  #waiting: () => number;
  #failingSince: number | null = null;
  #lastFailed = false;
  #reopen = false;
  #damage: string | null = null;

  constructor(clock: Clock, log: Logger, waiting: () => number) {
    this.#clock = clock;
    this.#log = log;
    this.#waiting = waiting;
  }

  /** Whether a request failed, and nothing was written since. */
  get failing(): boolean {
    return this.#failingSince !== null;
  }

  /** Whether the last request failed; `failing` ends later, as a transaction may have been empty. */
  get lastFailed(): boolean {
    return this.#lastFailed;
  }

  /** Whether the file has to be opened anew. */
  get reopen(): boolean {
    return this.#reopen;
  }

  /** How the open file was found damaged; null where it was not. */
  get damage(): string | null {
    return this.#damage;
  }

  opened(damaged: Damaged | null): void {
    this.#reopen = false;
    this.#damage = null;
    if (damaged === null) return;
    this.#log.error(
      { ...damaged },
      "The outbox was damaged; it was moved aside, and a new one made with what could be read",
    );
  }

  /** A transaction worked; `wrote` where it showed that results can be written. */
  applied(wrote: boolean): void {
    this.#lastFailed = false;
    if (this.#failingSince === null || !wrote) return;
    const seconds = Math.round((this.#clock.monotonic() - this.#failingSince) / 1_000);
    this.#failingSince = null;
    this.#log.info({ seconds, waiting: this.#waiting() }, "The outbox can be written again");
  }

  failed(error: unknown): void {
    const { kind, message } = error instanceof OutboxError
      ? error
      : new OutboxError({ kind: "other", message: String(error) });
    // A full disk says nothing against the open file; anything else may be cured by opening it anew.
    if (kind !== "full") this.#reopen = true;
    if (kind === "damaged") this.#damage = message;
    this.#lastFailed = true;
    if (this.#failingSince !== null) return;
    this.#failingSince = this.#clock.monotonic();
    this.#log.error(
      { error: message, waiting: this.#waiting() },
      `Cannot write to the outbox; up to ${MAX_IN_MEMORY} results wait in memory`,
    );
  }
}
