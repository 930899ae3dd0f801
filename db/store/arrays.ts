import { Buffer } from "node:buffer";
import { parseTimestamp } from "../../wire/timestamp.ts";

/** A type of PostgreSQL's: its id (pg_type.dat), the bytes of a value, and how one is written. */
export interface ElementType<T> {
  oid: number;
  bytes: number;
  write(view: DataView, at: number, value: T): void;
}

/** Microseconds from 1970 to 2000, where PostgreSQL's times begin. */
const YEAR_2000 = 946_684_800_000_000n;

const type = <T>(oid: number, bytes: number, write: ElementType<T>["write"]) => ({
  oid,
  bytes,
  write,
});

/** Types of which arrays are made, by their names in SQL. */
export const TYPES = {
  bool: type<boolean>(16, 1, (view, at, value) => view.setInt8(at, value ? 1 : 0)),
  int2: type<number>(21, 2, (view, at, value) => view.setInt16(at, value)),
  int4: type<number>(23, 4, (view, at, value) => view.setInt32(at, value)),
  float4: type<number>(700, 4, (view, at, value) => view.setFloat32(at, value)),
  /** Of a time of the message. */
  timestamptz: type<string>(
    1184,
    8,
    (view, at, value) => view.setBigInt64(at, parseTimestamp(value)! - YEAR_2000),
  ),
  /** Of 32 hexadecimal digits, with or without dashes. */
  uuid: type<string>(2950, 16, (view, at, value) => {
    const digits = value.length === 32 ? value : value.replaceAll("-", "");
    for (let n = 0; n < 4; n++) {
      view.setUint32(at + 4 * n, parseInt(digits.slice(8 * n, 8 * n + 8), 16));
    }
  }),
};

/** Dimensions, whether there are nulls, the elements' type, their number, the first one's index. */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;

/**
 * An array in PostgreSQL's binary format, as array_recv reads it; null where all in it is null.
 *
 * @param valueOf Given each of `list` and its index
 */
export function encodeArray<T, V>(
  { oid, bytes, write }: ElementType<V>,
  list: readonly T[],
  valueOf: (each: T, n: number) => V | null | undefined,
): Buffer | null {
  const buffer = Buffer.allocUnsafeSlow(HEADER_BYTES + list.length * (LENGTH_BYTES + bytes));
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let at = HEADER_BYTES, nulls = 0;
  for (let n = 0; n < list.length; n++) {
    const value = valueOf(list[n]!, n);
    if (value === null || value === undefined) {
      view.setInt32(at, -1);
      nulls++;
      at += LENGTH_BYTES;
      continue;
    }
    view.setInt32(at, bytes);
    write(view, at + LENGTH_BYTES, value);
    at += LENGTH_BYTES + bytes;
  }
  if (nulls === list.length) return null;
  [1, nulls > 0 ? 1 : 0, oid, list.length, 1].forEach((field, n) => view.setInt32(4 * n, field));
  return buffer.subarray(0, at);
}
