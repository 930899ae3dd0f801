import pg from "pg";
import { splitAccount } from "./account.ts";
import type { AgentEvidence } from "./agent_evidence.ts";
import { type AlertEvidence, compareAlerts } from "./compare_alerts.ts";
import { compareChains } from "./compare_chains.ts";
import { compareChecks } from "./compare_checks.ts";
import { compareLetters } from "./compare_letters.ts";
import { compareOffsets } from "./compare_offsets.ts";
import { compareResults, type Expired } from "./compare_results.ts";
import { compareSchedule } from "./compare_schedule.ts";
import { brief, type Findings } from "../invariants.ts";
import { type LedgerContent, readLedger } from "../load/ledger.ts";
import { LOAD_AGENT } from "../load/messages.ts";
import type { Observed } from "../seen/observe.ts";
import { HEALED_WITHIN_S, type Took } from "../patience.ts";
import type { RollupsSeen } from "../seen/rollups.ts";
import { readIncidents, readTables, type Tables } from "./tables.ts";
import { endOffsets, readRecords, type TopicRecord } from "../seen/topic.ts";

export type { AgentEvidence, AgentRun } from "./agent_evidence.ts";

/** What the checker compares, beside tables and ledger. It uses none of the product's code. */
export interface Seen {
  records: readonly TopicRecord[];
  ends: ReadonlyMap<number, bigint>;
  observed: Observed;
  rollups: RollupsSeen;
  /** From the end of load and fault to no lag; null: not within the time. */
  drained: Took | null;
  /** Each healing, until what was in the topic then was stored; null: as above. */
  healings: readonly (Took | null)[];
  /** The database was put back: Kafka's commit may be ahead from then. */
  restored: boolean;
  /** The same, and places of the topic before say nothing. */
  topicAnew: boolean;
  expired: Expired | null;
  agent: AgentEvidence | null;
  troubles: readonly string[];
}

/** The same, and where the rest of it is. */
export interface Evidence extends Omit<Seen, "records" | "ends"> {
  /** Null where there are none. */
  alerts: AlertEvidence | null;
  dsn: string;
  brokers: readonly string[];
  topic: string;
  ledgerPath: string;
}

/** Judged by what was found, and what is worth a word all the same. */
export interface Judgement {
  findings: Findings;
  notes: string[];
}

const MIB = 2 ** 20;
/** Bytes of one process: up to 300 MiB while a backlog of results that tell all is stored. */
const MEMORY_LIMIT = 400 * MIB;

/** Holds what was sent against what is stored. */
export async function check(evidence: Evidence): Promise<Judgement> {
  const { dsn, brokers, topic, ledgerPath } = evidence;
  const pool = new pg.Pool({ connectionString: dsn });
  try {
    const [ledger, tables, records, ends] = await Promise.all([
      readLedger(ledgerPath),
      readTables(pool, topic),
      readRecords(brokers, topic),
      endOffsets(brokers, topic),
    ]);
    const { findings, notes } = judge(ledger, tables, { ...evidence, records, ends });
    const told = evidence.alerts?.tellings.map((took) => `told in ${inSeconds(took)}`) ?? [];
    return {
      findings: { ...findings, ...inBrief(await ofAlerts(evidence, pool)) },
      notes: [...notes, ...told],
    };
  } finally {
    await pool.end();
  }
}

async function ofAlerts({ alerts }: Evidence, pool: pg.Pool): Promise<Findings> {
  if (!alerts) return {};
  const again = new pg.Pool({ connectionString: alerts.againDsn });
  try {
    return compareAlerts(await readIncidents(pool), await readIncidents(again), alerts);
  } finally {
    await again.end();
  }
}

/** The same of what was read already. */
export function judge(ledger: LedgerContent, tables: Tables, seen: Seen): Judgement {
  const { observed, rollups, drained, healings, restored, topicAnew, agent } = seen;
  const { good, poison } = splitAccount(ledger, seen.records);
  const { lost, twice, invented } = compareResults(tables, good, seen.expired);
  const chains = compareChains(tables, good, seen.expired);
  const mine = tables.results.filter((row) => row.agent !== LOAD_AGENT);
  const checks = agent && compareChecks(mine, agent);
  const schedule = agent && compareSchedule(mine, agent);
  const { peakMemory } = observed;
  const findings: Findings = {
    I1: [...lost, ...chains.lost, ...checks?.missed ?? []],
    I2: twice,
    I3: [...invented, ...chains.invented, ...checks?.invented ?? []],
    I5: compareOffsets({
      nextOffsets: tables.nextOffsets,
      ends: seen.ends,
      observed,
      commitMayBeAhead: restored || topicAnew,
    }),
    I6: compareLetters({
      letters: tables.letters,
      results: tables.results,
      good,
      poison,
      topicAnew,
    }),
    I7: [...healings, drained]
      .filter((took) => took === null || took.fair > HEALED_WITHIN_S)
      .map((took) => `not healed within ${HEALED_WITHIN_S} s, but in ${inSeconds(took)}`),
    I8: rollups.wrong,
    I9: peakMemory === null
      ? null
      : peakMemory > MEMORY_LIMIT
      ? [`a process held ${Math.round(peakMemory / MIB)} MiB`]
      : [],
    I10: schedule && schedule.wrong,
    up: [...seen.troubles],
  };
  const notes = [
    `${ledger.acknowledged.length} acknowledged`,
    `${tables.daily.length} rows`,
    `${tables.letters.length} dead letters`,
    ...healings.map((took) => `healed in ${inSeconds(took)}`),
    `drained in ${inSeconds(drained)}`,
    `crowding ${observed.crowding.toFixed(1)}`,
    ...(peakMemory === null ? [] : [`peak ${Math.round(peakMemory / MIB)} MiB`]),
    `${observed.samples} samples`,
    `${rollups.looks} looks at rollups`,
    ...(schedule ? [`${mine.length} checks`, ...schedule.notes] : []),
  ];
  return { findings: inBrief(findings), notes };
}

function inBrief(findings: Findings): Findings {
  const all = Object.entries(findings);
  return Object.fromEntries(all.map(([name, found]) => [name, found && brief(found)]));
}

function inSeconds(took: Took | null): string {
  return took === null
    ? "no time"
    : `${took.seconds.toFixed(1)} s, ${took.fair.toFixed(1)} of them fair`;
}
