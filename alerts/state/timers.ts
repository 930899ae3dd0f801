/**
 * What is due when, the earliest first: a binary heap. Of one key the earliest due time counts; whoever
 * is woken looks itself whether it is time, and says when to be woken next.
 */
export class Timers {
  readonly #heap: { due: number; key: string }[] = [];
  readonly #dueOf = new Map<string, number>();

  wake(key: string, due: number): void {
    if (due >= (this.#dueOf.get(key) ?? Infinity)) return;
    this.#dueOf.set(key, due);
    const heap = this.#heap;
    let place = heap.push({ due, key }) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(heap[place]!, heap[parent]!)) break;
      [heap[place], heap[parent]] = [heap[parent]!, heap[place]!];
      place = parent;
    }
  }

  /** The next one that is due before `at`, taken out; null: none. */
  next(at: number): { due: number; key: string } | null {
    while (this.#heap.length > 0 && this.#heap[0]!.due < at) {
      const first = this.#pop();
      // One that was woken earlier than that stands in the heap twice.
      if (this.#dueOf.get(first.key) !== first.due) continue;
      this.#dueOf.delete(first.key);
      return first;
    }
    return null;
  }

  #pop() {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let place = 0;;) {
      let least = place;
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === place) return first;
      [heap[place], heap[least]] = [heap[least]!, heap[place]!];
      place = least;
    }
  }
}

/** At one time by the key, so that the order never depends on who came first. */
function isBefore(one: { due: number; key: string }, other: { due: number; key: string }): boolean {
  return one.due < other.due || one.due === other.due && one.key < other.key;
}
