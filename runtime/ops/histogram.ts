/**
 * Counts values by bucket: numbers alone, so that it may be on the way of every check (some tens of
 * nanoseconds a value). Read by metrics.ts.
 */
export class Histogram {
  /** Upper bounds, ascending, each in its bucket; a last bucket has no bound. */
  readonly bounds: readonly number[];
  /** Values by bucket: as many as bounds, and one more. */
  readonly counts: number[];
  /** Of all values. */
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  record(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
  }

  /** How many values there were. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}
