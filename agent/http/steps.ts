import { abortError, ExchangeFailure } from "./errors.ts";

/**
 * The steps of one exchange, of which one is under way at a time. However a step ends, it ends once,
 * and what it holds is let go; when the signal aborts, the step under way ends at once. There is one
 * listener on the signal for the whole exchange, taken off by `end`.
 */
export class Steps {
  #signal: AbortSignal | null;
  readonly #onAbort = () => this.#abort?.();
  #abort: (() => void) | null = null;
  #name = "";

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort);
  }

  /**
   * Runs one step.
   *
   * @param name what is said to have been under way, "connecting", if it is cut short
   * @param start begins it; may call what it is given at once or later, more than once without harm,
   * and returns what lets go of the step's hold (listeners, timers), called once when the step ends
   * @param giveUp is called as well when the step fails, to destroy what it was making
   * @throws ExchangeFailure
   */
  run<T>(
    name: string,
    start: (resolve: (value: T) => void, reject: (failure: ExchangeFailure) => void) => () => void,
    giveUp?: () => void,
  ): Promise<T> {
    this.#name = name;
    if (this.#signal?.aborted) {
      giveUp?.();
      return Promise.reject(this.#aborted());
    }
    return new Promise((resolve, reject) => {
      let letGo: (() => void) | null = null;
      let ended = false;
      const end = () => {
        ended = true;
        this.#abort = null;
        letGo?.();
      };
      const fail = (failure: ExchangeFailure) => {
        if (ended) return;
        end();
        giveUp?.();
        reject(failure);
      };
      this.#abort = () => fail(this.#aborted());
      letGo = start((value) => {
        if (ended) return;
        end();
        resolve(value);
      }, fail);
      if (ended) letGo();
    });
  }

  end(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    // A signal and a listener that knows it go only with a full collection.
    this.#signal = null;
  }

  #aborted(): ExchangeFailure {
    return new ExchangeFailure(abortError(this.#signal!, `while ${this.#name}`));
  }
}
