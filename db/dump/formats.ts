import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { Buffer } from "node:buffer";
import type { FORMATS } from "../../runtime/cli/options.ts";
import { parseTimestamp } from "../../wire/timestamp.ts";
import type { Column, Row } from "./source.ts";

export type Format = typeof FORMATS["dbdump"][number];

/** Takes some of the output; the next comes when it resolves. */
export type Write = (output: string | Uint8Array) => Promise<void>;

/** Turns rows into a format and hands it on. */
export interface Encoder {
  rows(rows: readonly object[]): Promise<void>;
  end(): Promise<void>;
}

/** An encoder that has written what comes before the rows. */
export async function encoderOf(
  format: Format,
  columns: readonly Column[],
  write: Write,
): Promise<Encoder> {
  const end = () => Promise.resolve();
  switch (format) {
    case "json":
      return { rows: (rows) => write(rows.map((row) => `${JSON.stringify(row)}\n`).join("")), end };
    case "csv": {
      const names = columns.map(({ name }) => name);
      await write(csvLine(names));
      return {
        rows: (rows) =>
          write(rows.map((row: Row) => csvLine(names.map((name) => row[name]))).join("")),
        end,
      };
    }
    case "parquet":
      return new ParquetEncoder(columns, write);
  }
}

/** RFC 4180. Null is an empty field, and an empty text a quoted one. */
function csvLine(values: readonly unknown[]): string {
  const fields = values.map((value) => {
    const text = String(value ?? "");
    return value === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${fields.join(",")}\r\n`;
}

/** Rows of a group: more are smaller on disk and take more memory. */
const GROUP = 10_000;

type Element = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** How Parquet has PostgreSQL's types; all others are text. */
const ELEMENTS: Record<string, Omit<Element, "name">> = {
  bool: { type: "BOOLEAN" },
  int4: { type: "INT32" },
  int8: { type: "INT64" },
  float4: { type: "FLOAT" },
  float8: { type: "DOUBLE" },
  timestamptz: {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
  },
};
const TEXT = { type: "BYTE_ARRAY", converted_type: "UTF8" } as const;

/** Group by group; only the groups' places, some kilobytes each, stay in memory until the end. */
class ParquetEncoder implements Encoder {
  readonly #columns: readonly Column[];
  readonly #parquet: ParquetWriter;
  #rows: Row[] = [];

  constructor(columns: readonly Column[], write: Write) {
    this.#columns = columns;
    this.#parquet = new ParquetWriter({
      writer: new PassingWriter(write),
      createdBy: "httpmon",
      schema: [
        { name: "root", num_children: columns.length },
        ...columns.map(({ name, type }): Element => ({
          name,
          repetition_type: "OPTIONAL",
          ...(ELEMENTS[type] ?? TEXT),
        })),
      ],
    });
  }

  async rows(rows: readonly Row[]): Promise<void> {
    this.#rows.push(...rows);
    if (this.#rows.length >= GROUP) await this.#writeGroup();
  }

  async end(): Promise<void> {
    await this.#writeGroup();
    await this.#parquet.finish();
  }

  async #writeGroup(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length === 0) return;
    await this.#parquet.write({
      columnData: this.#columns.map(({ name, type }) => ({
        name,
        data: rows.map((row) => physical(type, row[name])),
      })),
      rowGroupSize: rows.length,
    });
  }
}

function physical(type: string, value: unknown): unknown {
  if (value === null) return null;
  if (type === "int8") return BigInt(value as string);
  // As the column was read: "YYYY-MM-DDTHH:MM:SS.ffffffZ".
  if (type === "timestamptz") {
    return parseTimestamp((value as string).slice(0, -1).replace("T", " "));
  }
  return value;
}

/** Hands on what was written, and begins its buffer anew. */
class PassingWriter extends ByteWriter {
  readonly #write: Write;

  constructor(write: Write) {
    super();
    this.#write = write;
  }

  async flush(): Promise<void> {
    const bytes = Buffer.from(this.getBytes());
    this.index = 0;
    await this.#write(bytes);
  }

  override finish(): Promise<void> {
    return this.flush();
  }
}
