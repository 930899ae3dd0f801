import { Buffer } from "node:buffer";

/** What SQLite keeps beside a row's key and value, about. */
const ROW_OVERHEAD = 40;

/** What a row counts for in `maxBytes`. */
export function rowBytes({ key, value }: { key: string; value: string }): number {
  return Buffer.byteLength(key) + Buffer.byteLength(value) + ROW_OVERHEAD;
}
