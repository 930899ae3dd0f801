import { Worker } from "node:worker_threads";
import { Thread } from "../../runtime/thread/thread.ts";
import type { CheckHandlers } from "./check/check_thread.ts";
import type { Evidence, Judgement } from "./check/checker.ts";
import { within } from "./load/load.ts";
import type { Findings } from "./invariants.ts";
import type { Lane } from "./lane.ts";
import { observe } from "./seen/observe.ts";
import { Round, type RoundOptions } from "./round.ts";
import { seededRandom } from "./load/random.ts";
import { lookAtRollups, watchRollups } from "./seen/rollups.ts";
import type { Variant } from "./product/variant.ts";

/** For the fault and all that comes after the load's time. */
const ROUND_MS = 1_200_000;

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

/** Checks in a thread of its own, so that it holds up nothing of the other lanes. */
async function checkApart(evidence: Evidence): Promise<Judgement> {
  const worker = new Worker(new URL("./check/check_thread.ts", import.meta.url));
  const thread: Thread<CheckHandlers> = new Thread(worker, "checks a round");
  try {
    return await thread.call("check", evidence);
  } finally {
    await thread.end();
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
    products: () => round.products.filter(({ runs }) => runs),
    stop: AbortSignal.any([stop, seen.signal]),
  });
  round.observed = observed;
  const { pool, root } = round;
  const rollups = { pool, root, random: seededRandom(1) };
  const watched = watchRollups({ ...rollups, stop: AbortSignal.any([stop, seen.signal]) });
  round.startWriter(variant.writerEnv?.(round.random));
  if (round.sites) round.startAgent();
  for (const aheadMs of variant.alerters ?? []) round.startAlerter(aheadMs);
  await (variant.drive ? variant.drive(round) : loadAndFault(round, variant));

  const alerted = await round.allDecided();
  for (const agent of round.agents) if (agent.runs) await round.stop(agent);
  const drained = await round.stored();
  for (const product of round.products) if (product.runs) await round.stop(product);
  for (const { trouble } of round.products) if (trouble !== null) round.troubles.push(trouble);
  seen.abort();
  await Promise.all([done, watched.done]);
  const last = await lookAtRollups(rollups);
  const sites = await round.sites?.seen() ?? null;
  if (sites) round.note(`sites stood still for ${sites.stalledMs} ms at most`);
  round.note(`the harness for ${round.standstill.stalls.most} ms`);
  return await checkApart({
    dsn: round.dsn,
    brokers: round.brokers,
    topic: round.topic,
    ledgerPath: round.ledger.path,
    observed,
    rollups: {
      wrong: [...watched.seen.wrong, ...last],
      looks: watched.seen.looks + 1,
    },
    healings: round.healings,
    drained,
    restored: variant.restored ?? false,
    topicAnew: variant.topicAnew ?? false,
    expired: round.expired,
    agent: sites && {
      served: sites.served,
      runs: round.agents.map(({ startedAt, readyAt, endedAt, killed, waits }) => ({
        startedAt,
        readyAt,
        endedAt: endedAt ?? Date.now(),
        killed,
        waits,
      })),
      shiftMs: variant.agentAheadMs ?? 0,
    },
    alerts: alerted === null ? null : await round.alertEvidence(alerted),
    troubles: [...new Set(round.troubles)],
  });
}
