import { assertEquals } from "@std/assert";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { Buffer } from "node:buffer";
import type { Column } from "../../../db/dump/source.ts";
import { encoderOf } from "../../../db/dump/formats.ts";
import { type DumpFilter, dumpResults } from "../../../db/dump/dump.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { fullMessage } from "../../wire/full_message.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

const COLUMNS = [
  "ts",
  "site",
  "url",
  "agent",
  "location",
  "verdict",
  "reason",
  "response_code",
  "response_ms",
  "dns_ms",
  "connect_ms",
  "tls_ms",
  "first_byte_ms",
  "download_ms",
  "slots",
  "maintenance",
  "error_class",
  "error_message",
  "remote_address",
  "tls_version",
  "certificate_expires_at",
  "labels",
];

async function filled(): Promise<OwnDatabase> {
  const database = await ownDatabase();
  const store = new OwnStore(database.pool, { log: recordingLog() });
  const messages = [fullMessage(), result(2, { errorMessage: 'Said "no", then\nleft' })];
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, records(0, messages), 0n);
  return database;
}

async function dumped({ pool }: OwnDatabase, filter: DumpFilter): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await dumpResults(pool, filter, (part) => {
    parts.push(Buffer.from(part as string));
    return Promise.resolve();
  });
  return Buffer.concat(parts);
}

/** What another program reads of a Parquet file. */
async function readParquet(bytes: Uint8Array, options = {}) {
  const file = Uint8Array.from(bytes).buffer;
  const metadata = parquetMetadata(file);
  return { metadata, rows: await parquetReadObjects({ file, ...options }) };
}

/** RFC 4180, with nothing left out: fields as text, null for an empty one without quotes. */
function readCsv(text: string): (string | null)[][] {
  const lines: (string | null)[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (const [, quoted, plain, end] of text.matchAll(field)) {
    lines.at(-1)!.push(quoted?.replaceAll('""', '"') ?? (plain || null));
    if (end !== ",") lines.push([]);
  }
  assertEquals(lines.pop(), []);
  return lines;
}

Deno.test("dumpResults() as CSV has the columns of the view, each value as it is stored", async () => {
  await using database = await filled();
  const [header, first, second] = readCsv(String(await dumped(database, { format: "csv" })));
  assertEquals(header, COLUMNS);
  const [stored, other] = await database.rows(
    `SELECT r.*, ts::text, certificate_expires_at::text, labels::text, host(remote_address) AS remote_address
     FROM results AS r ORDER BY r.ts`,
  );
  const expected = (row: Record<string, unknown>) =>
    COLUMNS.map((name) => row[name] === null ? null : String(row[name]));
  const zone = (text: string) => new Date(text).toISOString().replace(/\.(\d+)Z/, "");
  for (const [found, row] of [[first!, stored], [second!, other]] as const) {
    assertEquals(found.slice(1, -2), expected(row).slice(1, -2));
    assertEquals(found.at(-1), row.labels);
    assertEquals(zone(found[0]!), zone(row.ts));
  }
  assertEquals(first![0], "2026-05-01T00:00:01.000123Z");
  assertEquals(first!.at(-2), "2026-08-01T12:00:00.000000Z");
  assertEquals(second!.at(-2), null);
});

Deno.test("dumpResults() as Parquet is read back, type by type", async () => {
  await using database = await filled();
  const { rows, metadata } = await readParquet(await dumped(database, { format: "parquet" }));
  assertEquals(metadata.schema.slice(1).map(({ name }) => name), COLUMNS);
  assertEquals(
    metadata.schema.filter(({ name }) => ["ts", "slots", "response_ms", "site"].includes(name))
      .map(({ type, converted_type }) => [type, converted_type]),
    [
      ["INT64", "TIMESTAMP_MICROS"],
      ["BYTE_ARRAY", "UTF8"],
      ["FLOAT", undefined],
      ["INT32", undefined],
    ],
  );
  const [stored, other] = await database.rows(
    `SELECT r.*, labels::text, host(remote_address) AS remote_address FROM results AS r ORDER BY r.ts`,
  );
  const floats = (row: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(row).map((
        [name, value],
      ) => [name, typeof value === "number" ? Math.fround(value) : value]),
    );
  assertEquals(rows.map(floats), [floats(stored), floats(other)]);
});

Deno.test("dumpResults() of no rows has the columns all the same", async () => {
  await using database = await ownDatabase();
  assertEquals(String(await dumped(database, { format: "csv" })), `${COLUMNS.join(",")}\r\n`);
  const { rows, metadata } = await readParquet(await dumped(database, { format: "parquet" }));
  assertEquals([rows, metadata.schema.length], [[], COLUMNS.length + 1]);
  assertEquals(String(await dumped(database, {})), "");
});

Deno.test("encoderOf() tells null from an empty text, and keeps every bit", async () => {
  const columns: Column[] = [
    { name: "t", type: "text" },
    { name: "n", type: "int8" },
    { name: "f", type: "float8" },
    { name: "b", type: "bool" },
    { name: "at", type: "timestamptz" },
  ];
  const rows = [
    { t: "", n: "9223372036854775807", f: 0.1 + 0.2, b: true, at: "2026-05-01T00:00:00.000001Z" },
    { t: null, n: null, f: null, b: null, at: null },
    { t: 'a,"b"\r\nü', n: "-1", f: -0.5, b: false, at: "1969-12-31T23:59:59.999999Z" },
  ];
  const encoded = async (format: "csv" | "parquet") => {
    const parts: Uint8Array[] = [];
    const encoder = await encoderOf(format, columns, (part) => {
      parts.push(Buffer.from(part as string));
      return Promise.resolve();
    });
    // More than one group of Parquet.
    for (let n = 0; n < 4; n++) {
      await encoder.rows(Array.from({ length: 4_000 }, () => rows).flat());
    }
    await encoder.end();
    return Buffer.concat(parts);
  };
  const lines = String(await encoded("csv")).split(/(?<!b"")\r\n/);
  assertEquals(lines.slice(0, 4), [
    "t,n,f,b,at",
    '"",9223372036854775807,0.30000000000000004,true,2026-05-01T00:00:00.000001Z',
    ",,,,",
    '"a,""b""\r\nü",-1,-0.5,false,1969-12-31T23:59:59.999999Z',
  ]);
  const { rows: read, metadata } = await readParquet(await encoded("parquet"), {
    // Its Date has no microseconds.
    parsers: { timestampFromMicroseconds: (n: bigint) => n },
  });
  assertEquals([read.length, Number(metadata.num_rows)], [48_000, 48_000]);
  assertEquals(metadata.row_groups.length, 4);
  assertEquals(read.slice(-3), [
    { t: "", n: 9223372036854775807n, f: 0.1 + 0.2, b: true, at: 1777593600000001n },
    rows[1]!,
    { t: 'a,"b"\r\nü', n: -1n, f: -0.5, b: false, at: -1n },
  ]);
});
