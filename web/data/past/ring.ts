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
 * Counts of the last so many buckets of each site: a newer one takes the oldest's place. All in one
 * array, four bytes each, as 10,000 sites have five million of them.
 */
export class Ring {
  readonly #size: number;
  /** Of each site, where it begins. */
  readonly #places = new Map<number, number>();
  #counts = new Int32Array(0);

  constructor(size: number) {
    this.#size = size;
  }

  ids(): Iterable<number> {
    return this.#places.keys();
  }

  /** Forgets a bucket. */
  clear(bucket: number): void {
    const at = this.#at(bucket);
    for (const place of this.#places.values()) {
      this.#counts.fill(0, place + at, place + at + FIELDS);
    }
  }

  set(id: number, bucket: number, counts: CountsRow): void {
    let place = this.#places.get(id);
    if (place === undefined) {
      const own = this.#size * FIELDS;
      this.#places.set(id, place = this.#places.size * own);
      if (place === this.#counts.length) {
        const grown = new Int32Array(Math.ceil(this.#places.size * 1.25) * own);
        grown.set(this.#counts);
        this.#counts = grown;
      }
    }
    this.#counts.set(counts, place + this.#at(bucket));
  }

  /** Adds to `sum` the buckets from one to another, both in; no more of them than fit. */
  sum(id: number, from: number, to: number, sum: Counts = noCounts()): Counts {
    const place = this.#places.get(id);
    if (place === undefined) return sum;
    const all = this.#counts;
    for (let bucket = from; bucket <= to; bucket++) {
      const at = place + this.#at(bucket);
      sum.up += all[at]!;
      sum.degraded += all[at + 1]!;
      sum.down += all[at + 2]!;
      sum.unknown += all[at + 3]!;
      sum.maintenance += all[at + 4]!;
    }
    return sum;
  }

  #at(bucket: number): number {
    return (bucket % this.#size) * FIELDS;
  }
}
