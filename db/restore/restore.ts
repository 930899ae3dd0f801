import { Buffer } from "node:buffer";
import type { Clock } from "../../runtime/clock.ts";
import { decode, type Decoded, MAX_VALUE_BYTES } from "../../wire/decode.ts";
import type { IncomingRecord } from "../store/records.ts";
import type { Loaded } from "../store/outcome.ts";
import type { ResultStore } from "../store/store.ts";
import { linesOf } from "./lines.ts";

/** What became of the lines of a file. */
export interface Restored extends Omit<Loaded, "refused"> {
  lines: number;
  /** Lines that hold no result, or one that cannot be stored. */
  refused: number;
}

export interface RestoreOptions {
  store: ResultStore;
  clock: Clock;
  /** Told of each line that is refused; the first is 1. */
  onRefused: (line: number, reason: string, detail: string) => void;
  /** Told every ten seconds. */
  onProgress: (soFar: Restored) => void;
  /** Ends it between two batches. */
  signal?: AbortSignal;
}

/** Results stored at a time. */
const BATCH = 1000;
const TELL_MS = 10_000;

/**
 * Stores messages, one a line, that are not stored yet. To do it again changes nothing, so one that was
 * interrupted is begun anew.
 *
 * @throws What a retry may mend; what was stored stays
 */
export async function restore(
  input: AsyncIterable<Uint8Array>,
  { store, clock, onRefused, onProgress, signal }: RestoreOptions,
): Promise<Restored> {
  const done: Restored = { lines: 0, inserted: 0, duplicates: 0, expired: 0, refused: 0 };
  const refuse = (line: number, reason: string, detail: string) => {
    done.refused++;
    onRefused(line, reason, detail);
  };
  let toldAt = clock.monotonic();
  for await (const lines of linesOf(input, BATCH, MAX_VALUE_BYTES)) {
    if (signal?.aborted) break;
    const results: IncomingRecord[] = [];
    for (const value of lines) {
      const number = ++done.lines;
      if (value.length === 0) continue;
      const decoded = decodeLine(value);
      if (!decoded.ok) refuse(number, decoded.reason, decoded.detail);
      else results.push(toResult(number, value, decoded));
    }
    const { inserted, duplicates, expired, refused } = await store.storeResults(results);
    done.inserted += inserted;
    done.duplicates += duplicates;
    done.expired += expired;
    for (const { offset, reason, detail } of refused) refuse(Number(offset), reason, detail);
    if (clock.monotonic() - toldAt >= TELL_MS) {
      toldAt = clock.monotonic();
      onProgress(done);
    }
  }
  return done;
}

/** A result that comes from no topic; `number` tells it from the others. */
export function toResult(
  number: number | bigint,
  value: Uint8Array,
  decoded: Extract<Decoded, { ok: true }>,
): IncomingRecord {
  return { offset: BigInt(number), timestamp: 0n, key: null, value, decode: () => decoded };
}

const NO_TIME = /"responseTime":\s*null/;

/** Reads a message, or what the older program stored: it may have no response time. */
function decodeLine(line: Uint8Array): Decoded {
  const decoded = decode(line);
  if (decoded.ok || decoded.reason !== "wrong_type") return decoded;
  const text = Buffer.from(line).toString();
  if (!NO_TIME.test(text)) return decoded;
  const other = decode(Buffer.from(text.replace(NO_TIME, '"responseTime":0')));
  return other.ok
    ? { ok: true, message: { ...other.message, responseTime: null as unknown as number } }
    : other;
}
