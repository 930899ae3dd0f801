/** A batch is read and encoded in one pass, a part for each call to the database. */
import { setImmediate } from "node:timers/promises";
import type { ResultMessage } from "../../wire/message.ts";
import { type EncodedResults, ResultEncoder } from "./batch.ts";
import { type DeadLetter, toLetter } from "./letters.ts";
import type { IncomingRecord } from "./records.ts";
import type { Known } from "./shared.ts";

/** Of one transaction: each day's partition takes locks, and the server's table of them is small. */
const MAX_DAYS = 50;
/** Of one transaction, as read; what travels and what the server holds grow with it. */
const MAX_BYTES = 4 * 1024 * 1024;
/** So many messages are there at a time: they are garbage before V8 takes them for something that stays. */
const SLICE = 50;
/** Some 5 ms of work; heartbeats and signals get their turn behind it. */
const TURN = 500;

/** What one transaction is to store. */
export interface Part {
  records: readonly IncomingRecord[];
  /** Those of the records that hold one. */
  results: readonly IncomingRecord[];
  /** Of the others. */
  letters: readonly DeadLetter[];
  /** Of the results. */
  encoded: EncodedResults;
  /** Of the results, "YYYY-MM-DD", UTC. */
  days: ReadonlySet<string>;
}

/** Cuts a batch where one transaction would have results of too many days, or too many bytes. */
export async function* partsOf(
  records: readonly IncomingRecord[],
  known: Known,
): AsyncGenerator<Part> {
  for (let start = 0; start < records.length;) {
    const results: IncomingRecord[] = [];
    const letters: DeadLetter[] = [];
    const encoder = new ResultEncoder(known, records.length - start);
    const days = new Set<string>();
    let end = start, bytes = 0;
    let slice: ResultMessage[] = [];
    for (; end < records.length; end++) {
      if (end > start && (end - start) % SLICE === 0) {
        encoder.add(slice);
        slice = [];
        if ((end - start) % TURN === 0) await setImmediate();
      }
      const record = records[end]!;
      bytes += record.value?.length ?? 0;
      if (end > start && bytes > MAX_BYTES) break;
      const decoded = record.decode();
      if (!decoded.ok) {
        letters.push(toLetter(record, decoded.reason, decoded.detail));
        continue;
      }
      const day = dayOf(decoded.message);
      if (days.size === MAX_DAYS && !days.has(day)) break;
      days.add(day);
      results.push(record);
      slice.push(decoded.message);
    }
    encoder.add(slice);
    yield { records: records.slice(start, end), results, letters, encoded: encoder.finish(), days };
    start = end;
  }
}

/** Encodes what is left of a part's results. */
export function encodeAll(
  results: readonly IncomingRecord[],
  known: Known,
): Pick<Part, "results" | "encoded" | "days"> {
  const encoder = new ResultEncoder(known, results.length);
  const messages = results.map(messageOf);
  encoder.add(messages);
  return { results, encoded: encoder.finish(), days: new Set(messages.map(dayOf)) };
}

/** @throws {TypeError} Of a record that holds no result */
export function messageOf({ decode }: IncomingRecord): ResultMessage {
  const decoded = decode();
  if (!decoded.ok) throw new TypeError(`No result: ${decoded.detail}`);
  return decoded.message;
}

function dayOf({ ts }: ResultMessage): string {
  return ts.slice(0, 10);
}
