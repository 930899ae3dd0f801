import type { Observation } from "../../alerts/state/votes.ts";
import type { World } from "./world.ts";

/** Reads results in the order of their time, and stops at each of `times` to look. */
export function readAtOnce(
  results: readonly Observation[],
  world: World,
  partitions: number,
  times: readonly number[],
  look: (time: number) => void = () => {},
): void {
  let next = 0;
  for (const time of times) {
    for (; next < results.length && results[next]!.at < time; next++) {
      const result = results[next]!;
      world.read(result, result.site % partitions);
    }
    for (let partition = 0; partition < partitions; partition++) world.idle(partition, time);
    world.round();
    look(time);
  }
}

/**
 * Reads partitions side by side, each at its own pace, with rounds and alerters that take over anywhere
 * between.
 */
export function readSideBySide(
  results: readonly Observation[],
  world: World,
  partitions: number,
  end: number,
  random: () => number,
): void {
  const queues: Observation[][] = Array.from({ length: partitions }, () => []);
  for (const result of results) queues[result.site % partitions]!.push(result);
  const next = queues.map(() => 0);
  while (next.some((at, partition) => at < queues[partition]!.length)) {
    const partition = Math.floor(random() * partitions);
    const queue = queues[partition]!;
    const until = Math.min(queue.length, next[partition]! + 1 + Math.floor(random() * 200));
    for (; next[partition]! < until; next[partition]!++) {
      world.read(queue[next[partition]!]!, partition);
    }
    if (random() < 0.3) world.round();
    if (random() < 0.1) world.restart();
  }
  for (let partition = 0; partition < partitions; partition++) world.idle(partition, end);
  world.round();
}
