import { setImmediate } from "node:timers/promises";
import type { IncomingRecord } from "../db/store/store.ts";
import { decode } from "../wire/decode.ts";

/** A record as Kafka has it. */
export type RawRecord = Omit<IncomingRecord, "decoded">;

/** Some 5 ms of work; heartbeats and signals get their turn between the slices. */
const SLICE = 500;

/** Reads the values of records, without holding the event loop for long. */
export async function decodeRecords(records: readonly RawRecord[]): Promise<IncomingRecord[]> {
  const decoded: IncomingRecord[] = [];
  for (const record of records) {
    if (decoded.length > 0 && decoded.length % SLICE === 0) await setImmediate();
    decoded.push({ ...record, decoded: decode(record.value) });
  }
  return decoded;
}
