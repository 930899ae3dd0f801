import { check } from "./check/checker.ts";
import { within } from "./load.ts";
import type { Findings } from "./invariants.ts";
import type { Lane } from "./lane.ts";
import { observe } from "./observe.ts";
import { DRAIN_MS, Round, type RoundOptions } from "./round.ts";
import { seededRandom } from "./random.ts";
import { lookAtRollups, watchRollups } from "./rollups.ts";
import { endOffsets, readRecords } from "./topic.ts";
import type { Variant } from "./variant.ts";

/** For the fault and all that comes after the load's time. */
const ROUND_MS = 600_000;

/** What came of a round. */
export interface RoundResult {
  findings: Findings;
  notes: string[];
  /** What kept the round from being judged. */
  error: string | null;
}

/** The load goes on for its time, and until the fault is over and healed. */
async function loadAndFault(round: Round, { fault }: Variant): Promise<void> {
  const over = new AbortController();
  const loading = round.load.run(round.seconds * 1000, over.signal);
  try {
    await round.underWay();
    await fault?.(round);
    await round.hasHealed();
  } catch (error) {
    round.load.stop();
    throw error;
  } finally {
    over.abort();
    await loading;
  }
}

/** Plays one round and judges it. */
export async function runRound(
  lane: Lane,
  variant: Variant,
  options: RoundOptions,
): Promise<RoundResult> {
  const round = new Round(lane, variant, options);
  const stop = new AbortController();
  let result: RoundResult;
  try {
    const limit = ROUND_MS + options.seconds * 5_000;
    const { findings, notes } = await within(limit, play(round, variant, stop.signal));
    result = { findings, notes: [...notes, ...round.notes], error: null };
  } catch (error) {
    result = { findings: {}, notes: round.notes, error: (error as Error).message };
  }
  stop.abort();
  try {
    await round.close();
  } catch (error) {
    result.error ??= (error as Error).message;
  }
  return result;
}

async function play(round: Round, variant: Variant, stop: AbortSignal) {
  await round.prepare();
  const seen = new AbortController();
  const { observed, done } = observe({
    brokers: round.brokers,
    topic: round.topic,
    group: round.group,
    pool: round.pool,
    products: () => [...round.writers, ...round.agents].filter(({ runs }) => runs),
    stop: AbortSignal.any([stop, seen.signal]),
  });
  round.observed = observed;
  const { pool, root } = round;
  const rollups = { pool, root, random: seededRandom(1) };
  const watched = watchRollups({ ...rollups, stop: AbortSignal.any([stop, seen.signal]) });
  round.startWriter(variant.writerEnv?.(round.random));
  if (round.sites) round.startAgent();
  await (variant.drive ? variant.drive(round) : loadAndFault(round, variant));

  const over = performance.now();
  for (const agent of round.agents) if (agent.runs) await round.stopAgent(agent);
  const drained = await round.stored(DRAIN_MS);
  const drainedAfter = drained === null ? null : (performance.now() - over) / 1000;
  for (const writer of round.writers) if (writer.runs) await round.stopWriter(writer);
  for (const { trouble } of [...round.writers, ...round.agents]) {
    if (trouble !== null) round.troubles.push(trouble);
  }
  seen.abort();
  await Promise.all([done, watched.done]);
  return await check({
    pool: round.pool,
    ledgerPath: round.ledger.path,
    topic: round.topic,
    records: await readRecords(round.brokers, round.topic),
    ends: await endOffsets(round.brokers, round.topic),
    observed,
    rollups: {
      wrong: [...watched.seen.wrong, ...await lookAtRollups(rollups)],
      looks: watched.seen.looks + 1,
    },
    healings: round.healings,
    drainedAfter,
    restored: variant.restored ?? false,
    topicAnew: variant.topicAnew ?? false,
    expired: round.expired,
    agent: round.sites && {
      served: round.sites.served,
      runs: round.agents.map(({ startedAt, endedAt, killed }) => ({
        startedAt,
        endedAt: endedAt ?? Date.now(),
        killed,
      })),
      shiftMs: variant.agentOptions?.shiftMs ?? 0,
    },
    troubles: [...new Set(round.troubles)],
  });
}
