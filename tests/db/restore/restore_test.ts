import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { dumpResults } from "../../../db/dump/dump.ts";
import { linesOf } from "../../../db/restore/lines.ts";
import { replay } from "../../../db/restore/replay.ts";
import { restore, type RestoreOptions } from "../../../db/restore/restore.ts";
import { ResultStore } from "../../../db/store/store.ts";
import { encode } from "../../../wire/encode.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { certificate, fingerprint, fullMessage } from "../../wire/full_message.ts";
import { testRoles } from "../roles.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

const DAY = 86_400;
const DOC = await Deno.readTextFile(new URL("../../../docs/dump.md", import.meta.url));

/** In pieces that end anywhere. */
async function* piecesOf(text: string, size = 4_099): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function restored(
  { pool }: OwnDatabase,
  text: string,
  options: Partial<RestoreOptions> = {},
) {
  const refused: string[] = [];
  const done = await restore(piecesOf(text), {
    store: new ResultStore(pool, { log: recordingLog() }),
    clock: new FakeClock(),
    onRefused: (line, reason) => refused.push(`${line} ${reason}`),
    onProgress: () => {},
    ...options,
  });
  return { ...done, refused };
}

async function dumped({ pool }: OwnDatabase): Promise<string> {
  let text = "";
  await dumpResults(pool, {}, (lines) => {
    text += lines;
    return Promise.resolve();
  });
  return text;
}

/** Every row of every table, as text. */
async function contents({ rows }: OwnDatabase): Promise<Record<string, string[]>> {
  const tables = await rows(
    `SELECT relname AS name FROM pg_class
     WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
       AND relname <> 'schema_migrations' ORDER BY 1`,
  );
  const found: Record<string, string[]> = {};
  for (const { name } of tables) {
    found[name] = (await rows(`SELECT t::text AS row FROM ${name} AS t ORDER BY 1`))
      .map(({ row }) => row);
  }
  return found;
}

function linesFor(messages: readonly ResultMessage[]): string {
  return messages.map((message) => `${encode(message)}\n`).join("");
}

Deno.test("restore() of a dump makes every row of every table again, column by column", async () => {
  await using database = await ownDatabase();
  const full = fullMessage();
  const tls = { ...full.tls!, fingerprint: fingerprint(2), chain: [certificate(2)] };
  const messages: ResultMessage[] = [
    full,
    result(2, { verdict: "unknown", reason: "local_error", slots: 3, loopDelay: 41.7 }),
    result(3, { ...full, ts: result(3).ts, url: "https://two.example/", tls }),
    result(4, { labels: {}, siteLabels: {} }),
    result(5, { scheduledAt: "2026-04-30 23:59:00.000001", frequency: 0.1, attempts: 2 }),
    result(6, { remoteAddress: "::ffff:192.0.2.1", errorMessage: "line\u2028and\nline" }),
    result(8, {
      remoteAddress: "2001:DB8:0::0001",
      tls: { ...full.tls!, expiresAt: "2026-08-01 12:00:00", chain: undefined },
    }),
    result(7 * DAY, { evidence: { statusLine: null, headers: {}, body: null }, redirects: [] }),
    result(-300 * DAY, { responseTime: 8_191.9995, maintenance: true }),
  ];
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, records(0, messages), 0n);
  // As the older program's rows are.
  await database.rows("UPDATE check_results SET response_time = NULL WHERE ts < '2026-01-01+00'");

  await using other = await ownDatabase();
  const text = await dumped(database);
  const done = await restored(other, text);
  assertEquals([done.lines, done.inserted, done.refused], [9, 9, []]);
  const { consumer_offsets: _, ...expected } = await contents(database);
  const { consumer_offsets: offsets, ...found } = await contents(other);
  assertEquals(found, expected);
  assertEquals(offsets, []);
  assert(found.rollup_marks!.length > 0 && found.evidence!.length === 3);
  assertEquals(await dumped(other), text);

  // Once more, there and here.
  for (const each of [other, database]) {
    const before = await contents(each);
    const again = await restored(each, text);
    assertEquals([again.inserted, again.duplicates, again.refused], [0, 9, []]);
    assertEquals(await contents(each), before);
  }
});

Deno.test("restore() tells lines that hold no result, and stores the others", async () => {
  await using database = await ownDatabase();
  const [first, second, third] = [1, 2, 3].map((n) => linesFor([result(n)]));
  const text = `\uFEFF${first}\r\n{"ts"\n${second}\n[]\n${
    linesFor([
      result(1, { responseCode: 500 }),
      result(50 * 365 * DAY),
    ])
  }${third!.trimEnd()}`;
  const done = await restored(database, text);
  assertEquals(done, {
    lines: 9,
    inserted: 3,
    duplicates: 0,
    expired: 0,
    refused: ["2 bad_json", "3 bad_json", "6 not_an_object", "8 ts_out_of_range", "7 key_taken"],
  });
  assertEquals(await database.value("SELECT count(*)::int FROM check_results"), 3);
  assertEquals(await database.value("SELECT count(*)::int FROM dead_letters"), 0);
});

Deno.test("restore() goes on where it was stopped, and tells how far it is", async () => {
  await using database = await ownDatabase();
  const text = linesFor(Array.from({ length: 2_500 }, (_, n) => result(n * 3_600)));
  const stop = new AbortController();
  const clock = new FakeClock();
  const store = new ResultStore(database.pool, { log: recordingLog() });
  const storeResults = store.storeResults.bind(store);
  store.storeResults = async (...args) => {
    clock.advance(10_000);
    return await storeResults(...args);
  };
  const told: number[] = [];
  const first = await restored(database, text, {
    store,
    clock,
    signal: stop.signal,
    onProgress: ({ lines }) => {
      told.push(lines);
      stop.abort();
    },
  });
  assertEquals([told, first.inserted], [[1_000], 1_000]);
  const second = await restored(database, text);
  assertEquals([second.lines, second.inserted, second.duplicates], [2_500, 1_500, 1_000]);
});

Deno.test("dbdump, restore and replay take no more rights than docs/dump.md says", async () => {
  await using database = await ownDatabase();
  await using roles = await testRoles(database);
  await roles.grant("writer", "reader");
  const text = linesFor([fullMessage(), result(2)]);
  const own = { ...database, pool: roles.poolOf("writer") };
  const reading = { ...database, pool: roles.poolOf("reader") };
  try {
    assertEquals((await restored(own, text)).inserted, 2);
    assertEquals((await dumped(reading)).split("\n").length, 3);
    await database.rows(
      `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
       VALUES ('', '', 0, 0, convert_to($1, 'UTF8'), 'bad_json', ''), ('', '', 0, 1, '{', '', '')`,
      [encode(result(3))],
    );
    const replayed = () => replay(own.pool, new ResultStore(own.pool, { log: recordingLog() }), {});
    await assertRejects(replayed, Error, "permission denied for table dead_letters");
    const [, grant] = DOC.match(/```sql\n(GRANT [^`]*)```/)!;
    await database.rows(grant!.replace("httpmon_writer", roles.nameOf("writer")));
    assertEquals((await replayed()).stored, 1);
  } finally {
    await Promise.all([own.pool.end(), reading.pool.end()]);
  }
});

Deno.test("restore() leaves days alone that the retention has dropped", async () => {
  await using database = await ownDatabase();
  await database.rows("INSERT INTO retention VALUES ('raw', 30, '2026-05-01')");
  const done = await restored(database, linesFor([result(-1), result(1)]));
  assertEquals([done.inserted, done.expired, done.refused], [1, 1, []]);
});

Deno.test("linesOf() keeps little of a line that is too long", async () => {
  const long = "x".repeat(100_000);
  for (const size of [1, 7, 1_000, 1_000_000]) {
    const found: string[][] = [];
    for await (const lines of linesOf(piecesOf(`a\n\n${long}\nb\nc`, size), 2, 2_000)) {
      found.push(lines.map((line) => Buffer.from(line).toString()));
    }
    const kept = found[1]![0]!;
    assert(kept.length > 2_000 && kept.length < Math.max(2_000 + 2 * size, 4_000));
    assertEquals(found, [["a", ""], [kept, "b"], ["c"]]);
  }
});
