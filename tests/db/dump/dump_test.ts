import { assert, assertEquals, assertRejects } from "@std/assert";
import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import { dumpResults } from "../../../db/dump/dump.ts";
import { UsageError } from "../../../runtime/exit_codes.ts";
import { decode } from "../../../wire/decode.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { certificate, fingerprint, fullMessage } from "../../wire/full_message.ts";
import { assertValid, messageValidator } from "../../wire/schema_doc.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

async function stored(messages: readonly ResultMessage[]): Promise<OwnDatabase> {
  const database = await ownDatabase();
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, records(0, messages), 0n);
  return database;
}

async function dumped(
  { pool }: OwnDatabase,
  filter: Parameters<typeof dumpResults>[1] = {},
): Promise<ResultMessage[]> {
  let text = "";
  const count = await dumpResults(pool, filter, (lines) => {
    assert(lines.endsWith("\n"));
    text += lines;
    return Promise.resolve();
  });
  const messages = text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  assertEquals(messages.length, count);
  return messages;
}

const DAY = 86_400;

Deno.test("dumpResults() gives the messages back as they came, ordered by ts", async () => {
  const messages = [
    result(5),
    result(3 * DAY, { url: "https://two.example/", responseCode: null, errorMessage: "Cannot" }),
    result(4, {
      site: "named",
      verdict: "degraded",
      reason: "max_response_time_ms",
      errorClass: "slow",
      scheduledAt: "2026-05-01 00:00:03.999999",
      regexResult: null,
    }),
    result(-400 * DAY),
    result(DAY, { responseTime: 0.1 + 0.2 }),
  ];
  await using database = await stored(messages);
  await database.rows(
    `ALTER DATABASE "${new URL(database.dsn).pathname.slice(1)}" SET timezone = 'Asia/Tokyo'`,
  );
  const found = await dumped(database);
  assertEquals(found, messages.toSorted((a, b) => a.ts < b.ts ? -1 : 1));
  // A line of it is a message.
  assertEquals(decode(new TextEncoder().encode(JSON.stringify(found[0]))).ok, true);
});

Deno.test("dumpResults() gives every detail back, as the schema says", async () => {
  const full = fullMessage();
  const bare = { statusLine: null, headers: {}, body: null };
  const messages: ResultMessage[] = [
    full,
    result(2),
    result(3, { tls: { ...full.tls!, fingerprint: null, expiresAt: null, chain: undefined } }),
    result(4, { evidence: bare, redirects: [], bodyTruncated: false, maintenance: false }),
    result(5, { location: "eu" }),
    result(6, { labels: { a: "b" }, remoteAddress: "::ffff:192.0.2.1" }),
  ].map((message) => JSON.parse(JSON.stringify(message)));
  await using database = await stored(messages);
  const found = await dumped(database);
  assertEquals(found, messages);
  const validate = await messageValidator(true);
  for (const message of found) assertValid(validate, message);

  // Stored again it is the same, and in another database it makes the same.
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  const again = await store.storeBatch(SOURCE, records(6, found), 6n);
  assertEquals(again.kind === "stored" && [again.duplicates, again.deadLetters], [6, 0]);
  await using other = await stored(found);
  assertEquals(await dumped(other), messages);
  const certificates = "SELECT * FROM certificates ORDER BY fingerprint";
  assertEquals(await other.rows(certificates), await database.rows(certificates));
});

Deno.test("dumpResults() gives a chain with the result that first showed it", async () => {
  const full = fullMessage();
  const at = (n: number, chain: number[]) => ({
    ...full,
    ts: result(n).ts,
    tls: { ...full.tls!, fingerprint: fingerprint(chain[0]!), chain: chain.map(certificate) },
  });
  await using database = await stored([at(1, [1, 2]), at(2, [1, 2]), at(3, [2]), at(4, [2, 1])]);
  const chains = (await dumped(database)).map(({ tls }) => tls?.chain);
  assertEquals(chains, [
    [certificate(1), certificate(2)],
    undefined,
    [certificate(2)],
    [certificate(2), certificate(1)],
  ]);
});

Deno.test("dumpResults() lets through what the filter says", async () => {
  const messages = [0, 0.5, 1, 1.5, 2].flatMap((day) => [
    result(day * DAY),
    result(day * DAY + 1, { url: "https://two.example/" }),
    result(day * DAY + 2, { url: "https://two.example/", site: "named" }),
  ]);
  await using database = await stored(messages);
  const count = async (filter: Parameters<typeof dumpResults>[1]) =>
    (await dumped(database, filter)).length;
  assertEquals(await count({ since: "2026-05-02" }), 9);
  assertEquals(await count({ since: "2026-05-02 00:00:01" }), 8);
  assertEquals(await count({ since: "2026-05-02T00:00:01.000123Z" }), 8);
  assertEquals(await count({ since: "2026-05-02T00:00:01.000124Z" }), 7);
  assertEquals(await count({ since: "2026-05-02 09:00:01+09" }), 8);
  assertEquals(await count({ until: "2026-05-02" }), 6);
  assertEquals(await count({ since: "2026-05-01 06:00", until: "2026-05-02 12:00:01" }), 7);
  assertEquals(await count({ since: "2026-05-03", until: "2026-05-01" }), 0);
  assertEquals(await count({ url: "https://two.example/" }), 10);
  assertEquals(await count({ url: "named" }), 5);
  assertEquals(await count({ url: "named", since: "2026-05-02", limit: 2 }), 2);
  assertEquals(await count({ url: "https://nowhere.example/" }), 0);
  assertEquals(await count({ limit: 0 }), 0);
  assertEquals(await count({ limit: 4 }), 4);
  assertEquals(await count({ limit: 999_999_999_999, url: null, since: null, until: null }), 15);
  await assertRejects(
    () => dumpResults(database.pool, { since: "some day" }, () => Promise.resolve()),
    UsageError,
    'Option "--since" needs a time such as 2026-01-31 or "2026-01-31 12:00:00", found "some day"',
  );
});

Deno.test("dumpResults() finds results in partitions without bounds, in order", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `INSERT INTO sites (url) VALUES ('https://one.example/');
     INSERT INTO agents (uuid) VALUES ('00000000-0000-0000-0000-000000000001');
     CREATE TABLE old PARTITION OF check_results FOR VALUES FROM (MINVALUE) TO ('2000-01-01+00');
     SELECT httpmon_ensure_partitions('{2000-02-01}')`,
  );
  const insert = (...times: string[]) =>
    database.rows(
      `INSERT INTO check_results (ts, site_id, agent_id, verdict)
       SELECT ts, 1, 1, 0 FROM unnest($1::timestamptz[]) AS ts`,
      [times],
    );
  await insert("2000-02-01 10:00+00", "1999-12-31 23:59+00", "1999-12-01+00");
  const days = async () => (await dumped(database)).map(({ ts }) => ts.slice(0, 10));
  assertEquals(await days(), ["1999-12-01", "1999-12-31", "2000-02-01"]);
  await database.rows("CREATE TABLE rest PARTITION OF check_results DEFAULT");
  await insert("2000-03-01+00", "2000-01-15+00");
  assertEquals(
    await days(),
    ["1999-12-01", "1999-12-31", "2000-01-15", "2000-02-01", "2000-03-01"],
  );
});

Deno.test("dumpResults() of 300,000 results fits into a heap of 48 MB, and waits for its reader", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `INSERT INTO sites (url) SELECT 'https://' || n || '.example/' FROM generate_series(1, 100) n;
     INSERT INTO agents (uuid) VALUES ('00000000-0000-0000-0000-000000000001');
     SELECT httpmon_ensure_partitions('{2024-05-01,2024-05-02,2024-05-03}');
     INSERT INTO check_results (ts, site_id, agent_id, verdict, response_time, error_message)
     SELECT timestamptz '2024-05-01+00' + n * interval '800 ms', n % 100 + 1, 1, 2, n, repeat('x', 200)
     FROM generate_series(1, 300000) n;
     INSERT INTO evidence (ts, site_id, agent_id, headers, body)
     SELECT ts, site_id, agent_id, '{"server": "one"}', repeat('y', 2000) FROM check_results
     WHERE response_time <= 20000`,
  );
  const script = new URL("./dump_child.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "run",
    "-A",
    "--v8-flags=--max-old-space-size=48",
    script,
    database.dsn,
  ]);
  const { count, bytes, largest } = JSON.parse(stdout);
  assertEquals(count, 300_000);
  assert(bytes > 100_000_000, `${bytes} bytes`);
  assert(largest < 3_000_000, `${largest} bytes at a time`);
});

Deno.test("dumpResults() ends early when asked to, and when its reader has gone", async () => {
  await using database = await stored(Array.from({ length: 50 }, (_, n) => result(n * DAY)));
  const stop = new AbortController();
  let calls = 0;
  const count = await dumpResults(database.pool, {}, () => {
    if (++calls === 3) stop.abort();
    return Promise.resolve();
  }, stop.signal);
  assertEquals([calls, count], [3, 3]);
  await assertRejects(
    () => dumpResults(database.pool, {}, () => Promise.reject(new Error("gone"))),
    Error,
    "gone",
  );
  // The pool is none the worse for it.
  assertEquals(await database.value("SELECT 1"), 1);
});
