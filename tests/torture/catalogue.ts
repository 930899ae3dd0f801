import { AGENT_KILL } from "./scenarios/agent.ts";
import { ALERTS } from "./scenarios/alerts.ts";
import { BROKER_FREEZE, BROKER_NETWORK, BROKER_STOP } from "./scenarios/broker.ts";
import { BATCH_CUT, POSTGRES_BUSY, POSTGRES_STOP, RESTORE } from "./scenarios/database.ts";
import { DISK_FULL } from "./scenarios/disk.ts";
import { HELD_PARTITION, UPKEEP } from "./scenarios/history.ts";
import { CLOCK, PARTITIONS, POISON, TOPIC_ANEW } from "./scenarios/messages.ts";
import { MUTANTS } from "./scenarios/mutants.ts";
import { RANDOM } from "./scenarios/random.ts";
import { MEMBERS, WRITER_KILL, WRITER_TERM, ZOMBIE } from "./scenarios/writer.ts";
import type { Variant } from "./product/variant.ts";

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
  { name: "broker-stop", variants: BROKER_STOP, rounds: 5 },
  { name: "broker-freeze", variants: BROKER_FREEZE, rounds: 10 },
  { name: "broker-network", variants: BROKER_NETWORK, rounds: 10 },
  { name: "postgres-stop", variants: POSTGRES_STOP, rounds: 5 },
  { name: "batch-cut", variants: BATCH_CUT, rounds: 10 },
  { name: "postgres-busy", variants: POSTGRES_BUSY, rounds: 5 },
  { name: "disk-full", variants: DISK_FULL, rounds: 5 },
  { name: "poison", variants: POISON, rounds: 5 },
  { name: "partitions", variants: PARTITIONS, rounds: 5 },
  { name: "clock", variants: CLOCK, rounds: 5 },
  { name: "restore", variants: RESTORE, rounds: 3 },
  { name: "topic-anew", variants: TOPIC_ANEW, rounds: 3 },
  { name: "agent-kill", variants: AGENT_KILL, rounds: 10 },
  { name: "random", variants: RANDOM, rounds: 10 },
  { name: "upkeep", variants: UPKEEP, rounds: 5 },
  { name: "held-partition", variants: HELD_PARTITION, rounds: 5 },
  { name: "alerts", variants: ALERTS, rounds: 10 },
  { name: "mutants", variants: MUTANTS, rounds: 1 },
];
