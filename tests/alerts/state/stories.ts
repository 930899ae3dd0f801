/** Stories for fast-check, and ways to have alerters read them. */
import fc from "fast-check";
import type { Change } from "../../../alerts/state/change.ts";
import type { Observation } from "../../../alerts/state/votes.ts";
import type { World } from "../../../scripts/simulate/world.ts";
import { MINUTE_MS, resultsOf, type Story } from "../play.ts";

/** All is well at the end, for long enough that everybody says so. */
const WELL = "u".repeat(30);

/** Runs of letters, for so many minutes or some more. */
const letters = (minutes: number) =>
  fc.array(
    fc.tuple(fc.constantFrom(..."uuuuddd s?m "), fc.integer({ min: 1, max: 8 })),
    { minLength: 1, maxLength: minutes / 3 },
  ).map((runs) => runs.map(([letter, length]) => letter.repeat(length)).join(""));

/** What agents see of sites; both are few, as what is wrong shows with few. */
export const stories: fc.Arbitrary<Story> = fc.record({
  agents: fc.integer({ min: 1, max: 4 }),
  sites: fc.integer({ min: 1, max: 4 }),
}).chain(({ agents, sites }) =>
  fc.array(fc.array(letters(40), { minLength: sites, maxLength: sites }), {
    minLength: agents,
    maxLength: agents,
  })
).map((agents) => {
  const length = Math.max(...agents.flat().map((letters) => letters.length));
  return agents.map((sites) =>
    Object.fromEntries(sites.map((letters, n) => [n + 1, letters.padEnd(length, "u") + WELL]))
  );
});

/** Which of `partitions` is read next, how far, and what happens then. */
export interface Turn {
  partition: number;
  records: number;
  then: "round" | "restart" | "nothing";
}

export const turnsOf = (partitions: number): fc.Arbitrary<Turn[]> =>
  fc.array(
    fc.record({
      partition: fc.nat(partitions - 1),
      records: fc.integer({ min: 1, max: 60 }),
      then: fc.constantFrom("round", "restart", "nothing"),
    }),
    { maxLength: 60 },
  );

/** Reads a story in turns, then what is left, and goes on for two hours. */
export function readInTurns(
  story: Story,
  world: World,
  partitions: number,
  turns: readonly Turn[],
): Change[] {
  const left: Observation[][] = Array.from({ length: partitions }, () => []);
  for (const result of resultsOf(story)) left[result.site % partitions]!.push(result);
  const end = Math.max(...left.flat().map(({ at }) => at)) + 120 * MINUTE_MS;
  const rest = left.map((_, partition) => ({
    partition,
    records: Infinity,
    then: "nothing" as const,
  }));
  for (const { partition, records, then } of [...turns, ...rest]) {
    const queue = left[partition]!;
    for (const result of queue.splice(0, records)) world.read(result, partition);
    // To its end, as of before what is to come.
    if (records !== Infinity) world.idle(partition, (queue[0]?.at ?? end) - 1);
    else world.idle(partition, end);
    if (then === "round") world.round();
    if (then === "restart") world.restart();
  }
  world.round();
  return world.changes;
}
