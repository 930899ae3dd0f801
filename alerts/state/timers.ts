import TinyQueue from "tinyqueue";

interface Due {
  due: number;
  key: string;
}

/**
 * What is due when, the earliest first. Of one key the earliest due time counts; whoever is woken looks
 * itself whether it is time, and says when to be woken next.
 */
export class Timers {
  readonly #queue = new TinyQueue<Due>([], compare);
  readonly #dueOf = new Map<string, number>();

  wake(key: string, due: number): void {
    if (due >= (this.#dueOf.get(key) ?? Infinity)) return;
    this.#dueOf.set(key, due);
    this.#queue.push({ due, key });
  }

  /** The next one that is due before `at`, taken out; null: none. */
  next(at: number): Due | null {
    for (let first = this.#queue.peek(); first && first.due < at; first = this.#queue.peek()) {
      this.#queue.pop();
      // One that was woken earlier than that stands in the queue twice.
      if (this.#dueOf.get(first.key) !== first.due) continue;
      this.#dueOf.delete(first.key);
      return first;
    }
    return null;
  }
}

/** At one time by the key, so that the order never depends on who came first. */
function compare(one: Due, other: Due): number {
  return one.due - other.due || (one.key < other.key ? -1 : one.key > other.key ? 1 : 0);
}
