import { setImmediate } from "node:timers/promises";
import type { RawRecord, Sink } from "../consume/sink.ts";
import type { IncomingRecord } from "../db/store/records.ts";
import type { ResultStore } from "../db/store/store.ts";
import { decode } from "../wire/decode.ts";
import type { WriterStats } from "./stats.ts";

/** Some 5 ms of work; heartbeats and signals get their turn between the slices. */
const SLICE = 500;

/** Results go into the store, and into `stats` once they are there. */
export function createResultSink(store: Pick<ResultStore, "storeBatch">, stats: WriterStats): Sink {
  return {
    async store(source, records, place) {
      const outcome = await store.storeBatch(source, await decodeRecords(records), place);
      if (outcome.kind === "stored") {
        stats.inserted += outcome.inserted;
        stats.duplicates += outcome.duplicates;
        stats.deadLetters += outcome.deadLetters;
        stats.expired += outcome.expired;
      }
      return outcome;
    },
  };
}

/** Reads the values of records, without holding the event loop for long. */
async function decodeRecords(records: readonly RawRecord[]): Promise<IncomingRecord[]> {
  const decoded: IncomingRecord[] = [];
  for (const record of records) {
    if (decoded.length > 0 && decoded.length % SLICE === 0) await setImmediate();
    decoded.push({
      ...record,
      decoded: record.badBatch
        ? { ok: false, reason: "bad_batch", ...record.badBatch }
        : decode(record.value),
    });
  }
  return decoded;
}
