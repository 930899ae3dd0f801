import { assertLess } from "@std/assert";

/**
 * Fails where `work` of eight times the size takes far more than eight times as long, as it would by
 * the square: 64 times. The best of some tries counts, as others use the machine, too.
 */
export function assertLinear(work: (size: number) => void, size: number, what: string): void {
  const cost = (size: number) => {
    const start = performance.now();
    work(size);
    return performance.now() - start;
  };
  let [small, large] = [Infinity, Infinity];
  for (let i = 0; i < 20 && (i < 3 || large >= 24 * Math.max(small, 0.5)); i++) {
    small = Math.min(small, cost(size));
    large = Math.min(large, cost(8 * size));
  }
  assertLess(large, 24 * Math.max(small, 0.5), what);
}
