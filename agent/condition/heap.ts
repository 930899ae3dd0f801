/** What a heap holds: something with a time. */
export interface Due {
  due: number;
}

/** A binary min-heap by `due`. */
export class Heap<T extends Due> {
  #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The item due first. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]!.due <= item.due) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  /** Takes the item due first off. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const item = items.pop();
    if (item === undefined || items.length === 0) return first;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]!.due < items[child]!.due) child++;
      if (items[child]!.due >= item.due) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
    return first;
  }

  /** Replaces everything held. */
  reset(items: Iterable<T>): void {
    // A sorted array is a heap.
    this.#items = [...items].sort((a, b) => a.due - b.due);
  }
}
