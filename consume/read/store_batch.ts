import type { Logger } from "../../runtime/log/log.ts";
import { type RetryDeps, retryUntil } from "../../runtime/retry.ts";
import { notice } from "../notices.ts";
import type { ReaderDeps } from "./partition_reader.ts";
import type { Place, RawRecord, Source, StoreOutcome } from "../sink.ts";
import { recordFailure } from "../stats.ts";

/**
 * Stores a batch of a partition, tried for as long as it takes, and counts it: once, as what is stored
 * says that it was, however often its place was found before.
 *
 * @param log Says which partition it is
 * @returns What became of it; null when we stop
 */
export async function storeBatch(
  source: Source,
  batch: readonly RawRecord[],
  place: Place,
  deps: ReaderDeps,
  log: Logger,
): Promise<StoreOutcome | null> {
  const { sink, stats, progress, clock } = deps;
  let start = 0;
  const done = await retryUntil("Storing a batch", () => {
    start = clock.monotonic();
    return sink.store(source, batch, place);
  }, triesOf(deps, "store"));
  if (done === null) return null;
  const ms = clock.monotonic() - start;
  const outcome = done.value;
  const again = progress.failing !== null;
  progress.failing = null;
  if (outcome.kind === "moved") return outcome;
  const { nextOffset, skipped } = outcome;
  // A try may have stored it without a reply; where another process did, it ends elsewhere.
  const own = skipped === 0 || again && nextOffset === batch.at(-1)!.offset + 1n;
  if (place.first && own && place.position > 0n) {
    stats.expiredUnread += Number(place.position);
    notice(log, "missedStart", { low: place.position });
  }
  progress.position = nextOffset;
  stats.batches++;
  stats.skipped += skipped;
  stats.transactions.record(ms);
  deps.stored();
  log.debug(
    { records: batch.length - skipped, skipped, ms: Math.round(ms) },
    "Stored a batch",
  );
  return outcome;
}

/** How a partition's tries are told, and what it is failing at while they go on. */
export function triesOf(deps: ReaderDeps, attempt: "place" | "store"): RetryDeps {
  const { stats, progress, clock } = deps;
  return {
    ...deps,
    onFailure: () => {
      recordFailure(stats, attempt, clock.monotonic());
      progress.failing = attempt;
    },
  };
}
