/** Slots of a span of time; see docs/accounting.md. */
export interface Counts {
  up: number;
  degraded: number;
  down: number;
  unknown: number;
  maintenance: number;
}

/** In the order of `Counts`. */
export type CountsRow = [
  up: number,
  degraded: number,
  down: number,
  unknown: number,
  maintenance: number,
];

const FIELDS = 5;
/** Sites whose counts stand in one array: what is there is never copied as more come. */
const TOGETHER = 256;

export function noCounts(): Counts {
  return { up: 0, degraded: 0, down: 0, unknown: 0, maintenance: 0 };
}

/** Of what counts; null where nothing does. */
export function uptimeOf(
  { up, degraded, down }: Pick<Counts, "up" | "degraded" | "down">,
): number | null {
  const counted = up + degraded + down;
  return counted === 0 ? null : (up + degraded) / counted;
}

/**
 * Counts of the last so many buckets of each site: a newer one takes the oldest's place. Four bytes
 * each, as 10,000 sites have five million of them. A site's stand side by side: an array a bucket
 * would cost an overview a fifth more, as each is in another place of the memory.
 */
export class Ring {
  readonly #size: number;
  /** Of each site, the how many-th it is. */
  readonly #places = new Map<number, number>();
  readonly #arrays: Int32Array[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  ids(): Iterable<number> {
    return this.#places.keys();
  }

  /** Forgets a bucket. */
  clear(bucket: number): void {
    const own = this.#size * FIELDS;
    for (const all of this.#arrays) {
      for (let at = this.#at(0, bucket); at < all.length; at += own) all.fill(0, at, at + FIELDS);
    }
  }

  set(id: number, bucket: number, counts: CountsRow): void {
    let place = this.#places.get(id);
    if (place === undefined) {
      place = this.#places.size;
      this.#places.set(id, place);
      if (place % TOGETHER === 0) {
        this.#arrays.push(new Int32Array(TOGETHER * this.#size * FIELDS));
      }
    }
    this.#arrays[Math.floor(place / TOGETHER)]!.set(counts, this.#at(place, bucket));
  }

  /** Adds to `sum` the buckets from one to another, both in; no more of them than fit. */
  sum(id: number, from: number, to: number, sum: Counts = noCounts()): Counts {
    const place = this.#places.get(id);
    if (place === undefined) return sum;
    const all = this.#arrays[Math.floor(place / TOGETHER)]!;
    for (let bucket = from; bucket <= to; bucket++) {
      const at = this.#at(place, bucket);
      sum.up += all[at]!;
      sum.degraded += all[at + 1]!;
      sum.down += all[at + 2]!;
      sum.unknown += all[at + 3]!;
      sum.maintenance += all[at + 4]!;
    }
    return sum;
  }

  /** Where a bucket of a site is in its array. */
  #at(place: number, bucket: number): number {
    return (place % TOGETHER * this.#size + bucket % this.#size) * FIELDS;
  }
}
