/** Slots of a span of time; see docs/accounting.md. */
export interface Counts {
  up: number;
  degraded: number;
  down: number;
  unknown: number;
  maintenance: number;
}

const FIELDS = ["up", "degraded", "down", "unknown", "maintenance"] as const;

/** Counts of the last so many buckets of each site, four bytes each: a newer one takes the oldest's place. */
export class Ring {
  readonly #size: number;
  readonly #bySite = new Map<number, Float32Array>();

  constructor(size: number) {
    this.#size = size;
  }

  /** Forgets a bucket. */
  clear(bucket: number): void {
    const at = this.#at(bucket);
    for (const counts of this.#bySite.values()) counts.fill(0, at, at + FIELDS.length);
  }

  set(id: number, bucket: number, counts: Counts): void {
    let all = this.#bySite.get(id);
    if (!all) this.#bySite.set(id, all = new Float32Array(this.#size * FIELDS.length));
    all.set(FIELDS.map((field) => counts[field]), this.#at(bucket));
  }

  /** Of the buckets from one to another, both in; no more of them than fit. */
  sum(id: number, from: number, to: number): Counts {
    const all = this.#bySite.get(id);
    const sum: Counts = { up: 0, degraded: 0, down: 0, unknown: 0, maintenance: 0 };
    if (!all) return sum;
    for (let bucket = from; bucket <= to; bucket++) {
      const at = this.#at(bucket);
      FIELDS.forEach((field, n) => sum[field] += all[at + n]!);
    }
    return sum;
  }

  #at(bucket: number): number {
    return (bucket % this.#size) * FIELDS.length;
  }
}
