import { assert, assertEquals, assertRejects } from "@std/assert";
import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import { type DumpFilter, dumpResults } from "../../../db/dump/dump.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
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

async function dumpedText({ pool }: OwnDatabase, filter: DumpFilter): Promise<string> {
  let text = "";
  await dumpResults(pool, filter, (part) => {
    text += part;
    return Promise.resolve();
  });
  return text;
}

async function dumped(database: OwnDatabase, filter: DumpFilter = {}): Promise<ResultMessage[]> {
  const text = await dumpedText(database, filter);
  assert(text === "" || text.endsWith("\n"));
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
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
    // As four bytes hold it.
    result(DAY, { responseTime: 0.3 }),
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
  const count = async (filter: DumpFilter) => {
    const { length } = await dumped(database, filter);
    // A table has the same rows; its first line is the header.
    const lines = (await dumpedText(database, { ...filter, format: "csv" })).split("\r\n");
    assertEquals(lines.length - 2, length);
    return length;
  };
  assertEquals(await count({ since: "2026-05-02" }), 9);
  assertEquals(await count({ since: "2026-05-02 00:00:01" }), 8);
  assertEquals(await count({ since: "2026-05-02T00:00:01.000123Z" }), 8);
  assertEquals(await count({ since: "2026-05-02T00:00:01.000124Z" }), 7);
  assertEquals(await count({ since: "2026-05-02 09:00:01+09" }), 8);
  assertEquals(await count({ until: "2026-05-02" }), 6);
  assertEquals(await count({ since: "2026-05-01 06:00", until: "2026-05-02 12:00:01" }), 7);
  assertEquals(await count({ since: "2026-05-03", until: "2026-05-01" }), 0);
  assertEquals(await count({ url: "https://two.example/" }), 10);
  assertEquals(await count({ site: "https://two.example/" }), 5);
  assertEquals(await count({ site: "named" }), 5);
  assertEquals(await count({ site: "named", url: "https://two.example/" }), 5);
  assertEquals(await count({ site: "named", since: "2026-05-02", limit: 2 }), 2);
  assertEquals(await count({ limit: 0 }), 0);
  assertEquals(await count({ limit: 4 }), 4);
  assertEquals(await count({ limit: 999_999_999_999, url: null, since: null, until: null }), 15);
  await assertRejects(
    () => dumpResults(database.pool, { since: "some day" }, () => Promise.resolve()),
    UsageError,
    'Option "--since" needs a time such as 2026-01-31, "2026-01-31 12:00:00" or 7d, found "some day"',
  );
  for (
    const [filter, message] of [
      [{ url: "https://x.example/" }, 'Nothing is stored of the URL "https://x.example/"'],
      [{ site: "x" }, 'Nothing is stored of the site "x"'],
      [
        { site: "named", url: "https://one.example/" },
        'Nothing is stored of the site "named" with the URL "https://one.example/"',
      ],
    ] as const
  ) await assertRejects(() => dumped(database, filter), UsageError, message);
});

Deno.test("dumpResults() finds results in partitions without bounds, in order", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `INSERT INTO sites (url) VALUES ('https://one.example/');
     INSERT INTO agents (identity) VALUES ('00000000-0000-0000-0000-000000000001');
     CREATE TABLE old PARTITION OF check_results FOR VALUES FROM (MINVALUE) TO ('2000-01-01+00');
     CREATE TABLE day PARTITION OF check_results
       FOR VALUES FROM ('2000-02-01+00') TO ('2000-02-02+00')`,
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

Deno.test("dumpResults() of 150,000 results fits into a heap of 48 MB, and waits for its reader", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `INSERT INTO sites (url) SELECT 'https://' || n || '.example/' FROM generate_series(1, 100) n;
     INSERT INTO agents (identity) VALUES ('00000000-0000-0000-0000-000000000001');
     SELECT httpmon_ensure_partitions('{2024-05-01,2024-05-02,2024-05-03}');
     INSERT INTO reasons (error_message, identity) VALUES (repeat('x', 200), gen_random_uuid());
     INSERT INTO check_results (ts, site_id, agent_id, verdict, response_time, reason_id)
     SELECT timestamptz '2024-05-01+00' + n * interval '800 ms', n % 100 + 1, 1, 2, n, 1
     FROM generate_series(1, 150000) n;
     INSERT INTO evidence (ts, site_id, agent_id, headers, body)
     SELECT ts, site_id, agent_id, '{"server": "one"}', repeat('y', 2000) FROM check_results
     WHERE response_time <= 20000`,
  );
  const script = new URL("./dump_child.ts", import.meta.url).pathname;
  for (const [format, least] of [["json", 60e6], ["parquet", 0.5e6]] as const) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      "run",
      "-A",
      "--v8-flags=--max-old-space-size=48",
      script,
      database.dsn,
      format,
    ]);
    const { count, bytes, largest } = JSON.parse(stdout);
    assertEquals(count, 150_000);
    assert(bytes > least, `${bytes} bytes of ${format}`);
    assert(largest < 3_000_000, `${largest} bytes of ${format} at a time`);
  }
});

Deno.test("dumpResults() gives the newest rows where they are asked for, in order", async () => {
  const at = (day: number, site: number) =>
    result(day * DAY, { url: "https://one.example/", site: `site-${site}` });
  await using database = await stored([
    at(-400, 1),
    ...[1, 2, 3].map((site) => at(0, site)),
    at(1, 1),
    at(1, 2),
  ]);
  const messages = await dumped(database);
  for (let count = 0; count < 8; count++) {
    assertEquals(
      await dumped(database, { tail: count }),
      messages.slice(messages.length - Math.min(count, 6)),
    );
  }
  const named = (filter: DumpFilter) => dumped(database, { site: "site-1", ...filter });
  assertEquals(await named({ tail: 2 }), [at(0, 1), at(1, 1)]);
  assertEquals(await named({ tail: 9, until: "2026-05-01" }), [at(-400, 1)]);
});

Deno.test("dumpResults() takes a time as so long ago", async () => {
  const ago = (seconds: number) => {
    const ts = new Date(Date.now() - seconds * 1000).toISOString();
    return { ...result(0), ts: `${ts.slice(0, 10)} ${ts.slice(11, 23)}000` };
  };
  await using database = await stored([8 * DAY, 3 * DAY, 7200, 1800, 60].map(ago));
  // Far enough from the next one for a slow machine.
  const counts = { "1m": 0, "20m": 1, "5000s": 2, "1h": 2, "3h": 3, "7d": 4, "2w": 5 };
  for (const [since, count] of Object.entries(counts)) {
    assertEquals((await dumped(database, { since })).length, count, since);
  }
  assertEquals((await dumped(database, { since: "7d", until: "1h" })).length, 2);
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
