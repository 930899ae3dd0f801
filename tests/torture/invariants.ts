/** What has to hold, by the names of docs/reliability.md. */
export const INVARIANTS = {
  I1: "every acknowledged result is in the table, or in the dead letters, with its content",
  I2: "no result is in the table twice",
  I3: "the table holds nothing that was not sent",
  I5: "the stored offset is the last record's + 1, and Kafka's commit never ahead of it",
  I6: "the dead letters are exactly the poison and the results whose key was taken",
  I7: "the lag is 0 within 60 s of healing",
  I8: "rollups equal a recomputation",
  I9: "memory is bounded",
  I10: "the agent's checks start on time, and none is left out",
  I11: "each outage of a site is one incident, and there is no other",
  I12: "each channel is told once that an incident opens, and then once that it is over",
  I13: "all is told within 60 s of healing",
  I14: "the topic read anew gives the same incidents",
  up: "no process ends by itself, and each that is asked to stop ends with 0",
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** Of one invariant: null: it does not apply; [] is well, else what was found. */
export type Findings = Partial<Record<Invariant, string[] | null>>;

/** At most three of `found` and how many more there are. */
export function brief(found: readonly string[]): string[] {
  return found.length <= 3 ? [...found] : [...found.slice(0, 3), `and ${found.length - 3} more`];
}
