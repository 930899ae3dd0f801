import type { Sink } from "../consume/sink.ts";
import type { IncomingRecord } from "../db/store/records.ts";
import type { ResultStore } from "../db/store/store.ts";
import { decode } from "../wire/decode.ts";
import type { WriterStats } from "./stats.ts";

/** Results go into the store, and into `stats` once they are there. */
export function createResultSink(store: Pick<ResultStore, "storeBatch">, stats: WriterStats): Sink {
  return {
    async store(source, records, place) {
      const incoming = records.map(({ badBatch, ...record }): IncomingRecord => ({
        ...record,
        decode: () =>
          badBatch ? { ok: false, reason: "bad_batch", ...badBatch } : decode(record.value),
      }));
      const outcome = await store.storeBatch(source, incoming, place);
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
