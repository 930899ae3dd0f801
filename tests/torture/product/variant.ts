import type { Invariant } from "../invariants.ts";
import type { LoadOptions } from "../load/load.ts";
import type { Change } from "./mutated_tree.ts";
import type { Random } from "../load/random.ts";
import type { Round } from "../round.ts";

/** A copy of the product with a known fault. */
export interface Mutant {
  changes: readonly Change[];
  /** At least one of these has to break, or the harness sees nothing. */
  mustBreak: readonly Invariant[];
}

/** One way of going wrong. */
export interface Variant {
  name: string;
  /** Seconds that it takes beside the load's, about, where they are many. @default 0 */
  lasts?: number;
  /** Whether a real agent checks sites, too. @default true */
  agent?: boolean;
  /** How the load differs. @default 500 results a second, now */
  load?: Partial<LoadOptions>;
  /** Environment of the first writer. */
  writerEnv?: (random: Random) => Record<string, string>;
  /** Added to the config of all processes. */
  config?: Record<string, unknown>;
  /** By how much the clocks of the round's alerters are ahead, milliseconds each. @default none */
  alerters?: readonly number[];
  /** By how much the clock of its agent is ahead. @default 0 */
  agentAheadMs?: number;
  /** Before anything of the product starts. */
  setUp?(round: Round): Promise<void>;
  /** Makes the fault and heals it, while the load goes on. */
  fault?(round: Round): Promise<void>;
  /** In place of load and fault side by side. */
  drive?(round: Round): Promise<void>;
  /** The database is put back: Kafka's commit is ahead of it until the writer has caught up. */
  restored?: boolean;
  /** The topic is made anew: places in it say nothing of what was in it before. */
  topicAnew?: boolean;
  /** A fault that is built into a copy of the product: some of these invariants must not hold. */
  mutant?: Mutant;
  /** Why it cannot run here; null where it can. */
  skip?(): Promise<string | null>;
}
