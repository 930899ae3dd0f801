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

/** An array in PostgreSQL's binary format, as array_recv reads it, written value by value. */
export class ArrayWriter<T> {
  readonly #type: ElementType<T>;
  readonly #capacity: number;
  /** Made with the first value that is not null: most columns of a small message have none. */
  #view: DataView<ArrayBuffer> | null = null;
  #at = HEADER_BYTES;
  #count = 0;
  #nulls = 0;

  /** @param capacity The most values that it will have */
  constructor(type: ElementType<T>, capacity: number) {
    this.#type = type;
    this.#capacity = capacity;
  }

  add(value: T | null | undefined): void {
    this.#count++;
    if (value === null || value === undefined) {
      this.#nulls++;
      if (this.#view) this.#addNull(this.#view);
      return;
    }
    const { bytes, write } = this.#type;
    const view = this.#view ??= this.#begin();
    view.setInt32(this.#at, bytes);
    write(view, this.#at + LENGTH_BYTES, value);
    this.#at += LENGTH_BYTES + bytes;
  }

  /** @returns The array; null where all in it is null */
  finish(): Buffer | null {
    const view = this.#view;
    if (view === null) return null;
    const header = [1, this.#nulls > 0 ? 1 : 0, this.#type.oid, this.#count, 1];
    for (const [n, field] of header.entries()) view.setInt32(4 * n, field);
    return Buffer.from(view.buffer, 0, this.#at);
  }

  #begin(): DataView<ArrayBuffer> {
    const bytes = HEADER_BYTES + this.#capacity * (LENGTH_BYTES + this.#type.bytes);
    const view = new DataView(new ArrayBuffer(bytes));
    for (let n = 0; n < this.#nulls; n++) this.#addNull(view);
    return view;
  }

  #addNull(view: DataView): void {
    view.setInt32(this.#at, -1);
    this.#at += LENGTH_BYTES;
  }
}

/** An array of the values of a list; null where all in it is null. */
export function encodeArray<T>(type: ElementType<T>, values: readonly T[]): Buffer | null {
  const array = new ArrayWriter(type, values.length);
  for (const value of values) array.add(value);
  return array.finish();
}
