import type { Observed } from "../seen/observe.ts";

/** I5: each stored offset is the end, and Kafka's commit was never seen ahead of it. */
export function compareOffsets(
  { nextOffsets, ends, observed, commitMayBeAhead }: {
    nextOffsets: ReadonlyMap<number, bigint>;
    ends: ReadonlyMap<number, bigint>;
    observed: Pick<Observed, "ahead" | "samples" | "commits">;
    /** The database was put back, or the topic made anew. */
    commitMayBeAhead: boolean;
  },
): string[] {
  const wrong: string[] = [];
  if (observed.samples === 0) wrong.push("the offsets could not be looked at");
  else if (observed.commits === 0) wrong.push("Kafka never held a commit");
  if (!commitMayBeAhead) wrong.push(...observed.ahead);
  if (ends.size === 0) wrong.push("the ends of the topic are not known");
  for (const [partition, end] of ends) {
    const next = nextOffsets.get(partition) ?? 0n;
    if (next !== end) wrong.push(`${partition}: stored ${next}, the end is ${end}`);
  }
  return wrong;
}
