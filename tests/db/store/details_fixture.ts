import { assert } from "@std/assert";
import type { ResultMessage } from "../../../wire/message.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { certificate, fullMessage } from "../../wire/full_message.ts";
import { type OwnDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

/** Rows of each table, as `results`, `letters`, `evidence`, ... */
export const COUNTS = `SELECT (SELECT count(*)::int FROM check_results) AS results,
  (SELECT count(*)::int FROM dead_letters) AS letters,
  (SELECT count(*)::int FROM evidence) AS evidence,
  (SELECT count(*)::int FROM contexts) AS contexts,
  (SELECT count(*)::int FROM connections) AS connections,
  (SELECT count(*)::int FROM certificates) AS certificates,
  (SELECT count(*)::int FROM site_certificates) AS chains`;

/** A store that has begun to read a partition. */
export async function begunStore({ pool }: OwnDatabase, source = SOURCE): Promise<OwnStore> {
  const store = new OwnStore(pool, { log: recordingLog() });
  await store.readOffset(source);
  return store;
}

/** Stores batches one after another; [inserted, duplicates, dead letters] of each. */
export async function storeAll(
  store: OwnStore,
  ...batches: ResultMessage[][]
): Promise<[number, number, number][]> {
  const outcomes: [number, number, number][] = [];
  let next = Number((await store.readOffset(SOURCE))?.nextOffset ?? 0);
  for (const batch of batches) {
    const outcome = await store.storeBatch(SOURCE, records(next, batch), BigInt(next));
    assert(outcome.kind === "stored");
    outcomes.push([outcome.inserted, outcome.duplicates, outcome.deadLetters]);
    next += batch.length;
  }
  return outcomes;
}

/** `fullMessage` at second `n` of its day. */
export function full(n: number, changes: Partial<ResultMessage> = {}): ResultMessage {
  return { ...fullMessage(), ts: result(n).ts, ...changes };
}

/** TLS that shows this chain; its first is the site's own. */
export function showing(...chain: number[]): Pick<ResultMessage, "tls"> {
  const certificates = chain.map(certificate);
  return {
    tls: {
      ...fullMessage().tls!,
      fingerprint: certificates[0]!.fingerprint,
      chain: certificates,
    },
  };
}
