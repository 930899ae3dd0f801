import { assert, assertEquals } from "@std/assert";
import { formatTimestamp } from "../../../wire/timestamp.ts";
import { testRoles } from "../roles.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { certificate, fingerprint, fullMessage } from "../../wire/full_message.ts";
import { type OwnDatabase, ownDatabase, OwnStore, record, SOURCE } from "../fixture.ts";

const DOC = await Deno.readTextFile(new URL("../../../docs/tables.md", import.meta.url));

/** The SQL blocks of the section with this heading. */
function blocksOf(heading: string): string[] {
  const section = DOC.split(/^## /m).find((each) => each.startsWith(`${heading}\n`));
  assert(section, heading);
  return [...section.matchAll(/^```sql\n(.*?)^```/gms)].map((match) => match[1]!);
}

Deno.test("docs/tables.md names every table, view and column, with its type", async () => {
  await using database = await ownDatabase();
  const columns = await database.rows(
    `SELECT c.relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) AS name
     FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
       AND NOT relispartition AND attnum > 0 AND NOT attisdropped`,
  );
  const types: Record<string, string> = {
    bool: "boolean",
    int2: "smallint",
    "int2[]": "smallint[]",
    "int4[]": "integer[]",
    int4: "integer",
    int8: "bigint",
    float4: "real",
    float8: "double precision",
    "varchar(256)": "character varying(256)",
    "varchar(2048)": "character varying(2048)",
    timestamptz: "timestamp with time zone",
    timestamp: "timestamp without time zone",
  };
  const inDoc: string[] = [];
  let tables: string[] = [];
  for (const line of DOC.split("\n")) {
    tables = /^##+ (\w+(?:, \w+)*)$/.exec(line)?.[1]?.split(", ") ?? tables;
    const [, column, type] = /^\| `(\w+)` +\| ([^ ]+) /.exec(line) ?? [];
    if (column) {
      inDoc.push(...tables.map((table) => `${table}.${column} ${types[type!] ?? type}`));
    }
  }
  const found = columns.map(({ name }) => name.replace("(6) with", " with"));
  assertEquals(inDoc.sort(), found.map((name) => name.replace("timestamp(6)", "timestamp")).sort());
});

/** Results of the last hour as in real life, and what cannot be one. */
async function filled(): Promise<OwnDatabase> {
  const database = await ownDatabase();
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  const now = BigInt(Date.now()) * 1000n;
  const at = (secondsAgo: number) => formatTimestamp(now - BigInt(secondsAgo) * 1_000_000n);
  const chain = [
    { ...certificate(1), notAfter: at(-20 * 86_400) },
    { ...certificate(2), notAfter: at(-2000 * 86_400) },
  ];
  const full = fullMessage();
  delete full.tls!.chain;
  const { evidence: _, errorClass: __, ...fine } = full;
  const tls = { ...full.tls!, fingerprint: fingerprint(1), chain };
  const messages = [
    { ...fine, ts: at(300), verdict: "up" as const, maintenance: false, tls },
    { ...full, ts: at(240), verdict: "down" as const, maintenance: true },
    { ...full, ts: at(180), verdict: "down" as const, maintenance: false },
    { ...fine, ts: at(120), verdict: "unknown" as const, maintenance: false },
    { ...fine, ts: at(60), verdict: "degraded" as const, maintenance: false },
  ];
  const records = messages.map((message, n) => record(n, message));
  const bad = [record(5, null), record(6, new Uint8Array([0xff, 0x00])), record(7, null)];
  await store.storeBatch(SOURCE, [...records, ...bad], 0n);
  return database;
}

Deno.test("the query of docs/tables.md about history gives each site's uptime", async () => {
  await using database = await filled();
  const [uptime] = blocksOf("History");
  assertEquals(await database.rows(uptime!), [{ site: fullMessage().site!, uptime: 2 / 3 }]);
});

Deno.test("the queries of docs/tables.md give what they promise", async () => {
  await using database = await filled();
  const answers = [];
  for (const sql of blocksOf("Questions and their SQL")) answers.push(await database.rows(sql));
  const [uptime, latest, slowest, expiring, evidence, letters, texts, offsets] = answers;
  assertEquals(answers.length, 8);

  const site = fullMessage().site!;
  const [up, slots] = uptime!.reduce(
    ([up, slots], row) => [
      up + Number(row.uptime_percent) * Number(row.slots) / 100,
      slots + Number(row.slots),
    ],
    [0, 0],
  );
  // Of three that count, with three slots each; rounded to a thousandth of a percent. (The test may run at a month's turn.)
  assertEquals([Math.round(up * 100) / 100, slots], [6, 9]);
  assertEquals(uptime![0].site, site);

  assertEquals(latest!.map(({ site, location, verdict }) => [site, location, verdict]), [
    [site, "eu-west", "degraded"],
  ]);
  assertEquals(slowest!.map(({ phase }) => phase), [
    "first byte",
    "tls",
    "connect",
    "dns",
    "download",
  ]);
  assertEquals(slowest![2].p95_ms, Math.fround(12.345));
  assertEquals(expiring!.map(({ site, subject }) => [site, subject]), [
    [site, certificate(1).subject],
  ]);
  assertEquals(evidence!.map(({ body }) => body), Array(2).fill(fullMessage().evidence!.body));
  assertEquals(letters!.map(({ reason, letters }) => [reason, letters]), [
    ["null_value", "2"],
    ["bad_utf8", "1"],
  ]);
  assertEquals(texts!.map(({ value }) => value).sort(), ["\\377\\000", null, null]);
  assertEquals(offsets!.map(({ topic, next_offset }) => [topic, next_offset]), [
    ["monitoring", "8"],
  ]);
});

Deno.test("the queries of docs/tables.md are a reader's to ask", async () => {
  await using database = await filled();
  await using roles = await testRoles(database);
  await roles.grant("reader");
  await database.rows("SELECT httpmon_ensure_partitions('{2024-02-29}')");
  const pool = roles.poolOf("reader");
  try {
    for (const sql of blocksOf("Questions and their SQL")) await pool.query(sql);
    const { rows } = await pool.query("SELECT count(*)::int FROM mon_daily");
    assertEquals(rows, [{ count: 5 }]);
  } finally {
    await pool.end();
  }
});
