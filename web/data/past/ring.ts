/** Slots of a span of time; see docs/accounting.md. */
export interface Counts {
  up: number;
  degraded: number;
  down: number;
  unknown: number;
  maintenance: number;
}

/** Of a site, its counts in the order of `Counts`. */
export type CountsRow = [
  siteId: number,
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
 * Counts of all sites in the last so many buckets: a newer one takes the oldest's place. Four bytes
 * each, as 10,000 sites have five million of them.
 */
export class Ring {
  /** Of each site, the how many-th it is. */
  readonly #places = new Map<number, number>();
  readonly #buckets: Int32Array[];

  constructor(size: number) {
    this.#buckets = Array.from({ length: size }, () => new Int32Array());
  }

  ids(): Iterable<number> {
    return this.#places.keys();
  }

  /** Takes over a bucket; those who are not among the rows have nothing in it. */
  set(bucket: number, rows: readonly CountsRow[]): void {
    for (const [id] of rows) if (!this.#places.has(id)) this.#places.set(id, this.#places.size);
    const n = bucket % this.#buckets.length;
    const length = this.#places.size * FIELDS;
    if (this.#buckets[n]!.length < length) this.#buckets[n] = new Int32Array(length);
    const all = this.#buckets[n]!.fill(0);
    for (const [id, ...counts] of rows) all.set(counts, this.#places.get(id)! * FIELDS);
  }

  /** Adds to `sum` the buckets from one to another, both in; no more of them than fit. */
  sum(id: number, from: number, to: number, sum: Counts = noCounts()): Counts {
    const at = this.#places.get(id)! * FIELDS;
    for (let bucket = from; bucket <= to; bucket++) {
      const all = this.#buckets[bucket % this.#buckets.length]!;
      // Of a site that is not known, or was not when the bucket came.
      if (!(at < all.length)) continue;
      sum.up += all[at]!;
      sum.degraded += all[at + 1]!;
      sum.down += all[at + 2]!;
      sum.unknown += all[at + 3]!;
      sum.maintenance += all[at + 4]!;
    }
    return sum;
  }
}
