import type { Variant } from "./round.ts";
import { MEMBERS, WRITER_KILL, WRITER_TERM, ZOMBIE } from "./scenarios/writer.ts";

/** A kind of fault, with the ways it can go. */
export interface Scenario {
  name: string;
  variants: readonly Variant[];
  /** Rounds of each variant in the full matrix. */
  rounds: number;
}

/** All scenarios, in the order of docs/reliability.md. */
export const SCENARIOS: readonly Scenario[] = [
  { name: "writer-kill", variants: WRITER_KILL, rounds: 10 },
  { name: "writer-term", variants: WRITER_TERM, rounds: 10 },
  { name: "zombie", variants: ZOMBIE, rounds: 10 },
  { name: "members", variants: MEMBERS, rounds: 10 },
];
