import { assertLess } from "@std/assert";
import process from "node:process";

/**
 * Fails where `work` of eight times the size takes far more than eight times the CPU time, as it would
 * by the square: 64 times. The best of some tries counts, as what is compiled and collected is in it.
 */
export function assertLinear(work: (size: number) => void, size: number, what: string): void {
  const cost = (size: number) => {
    const before = process.cpuUsage();
    work(size);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  let [small, large] = [Infinity, Infinity];
  for (let i = 0; i < 20 && (i < 3 || large >= 24 * Math.max(small, 0.5)); i++) {
    small = Math.min(small, cost(size));
    large = Math.min(large, cost(8 * size));
  }
  assertLess(large, 24 * Math.max(small, 0.5), what);
}
