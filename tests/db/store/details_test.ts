import { assertEquals } from "@std/assert";
import { certificate, fullMessage } from "../../wire/full_message.ts";
import { begunStore, COUNTS, full, showing, storeAll } from "./details_fixture.ts";
import { AGENT, ownDatabase, records, result, SOURCE } from "../fixture.ts";

Deno.test("storeBatch() gives every detail its place in the tables", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  assertEquals(await storeAll(store, [fullMessage(), result(2)]), [[2, 0, 0]]);
  const rows = await database.rows(
    `SELECT dns_ms, connect_ms, tls_ms, first_byte_ms, download_ms, body_bytes, body_truncated,
       remote_address, http_version, maintenance, redirects, location, labels, site_labels,
       frequency, slots, attempts, loop_delay, lateness, reason, error_class, error_message,
       tls_version, cipher, verified, tls_error, expires_at AT TIME ZONE 'UTC' || '' AS expires,
       encode(fingerprint, 'hex') AS fingerprint
     FROM check_results r
     LEFT JOIN contexts c ON c.id = context_id
     LEFT JOIN connections n ON n.id = connection_id
     LEFT JOIN reasons w ON w.id = reason_id
     ORDER BY ts`,
  );
  const fingerprint = "01" + "5e".repeat(31);
  const { redirects, labels, siteLabels, evidence } = fullMessage();
  assertEquals(rows[0], {
    dns_ms: 0.001,
    connect_ms: 12.345,
    tls_ms: 1234.567,
    first_byte_ms: 8191.999,
    download_ms: 0,
    body_bytes: 2_000_000_000,
    body_truncated: true,
    remote_address: "2001:db8::1",
    http_version: "1.1",
    maintenance: true,
    redirects,
    location: "eu-west",
    labels,
    site_labels: siteLabels,
    frequency: 0.5,
    slots: 3,
    attempts: 2,
    loop_delay: 12.345,
    lateness: 0.122,
    reason: "status",
    error_class: "local_error",
    error_message: null,
    tls_version: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    verified: false,
    tls_error: 'certificate "has" expired',
    expires: "2026-08-01 12:00:00",
    fingerprint,
  });
  assertEquals(new Set(Object.values(rows[1])), new Set([null]));
  assertEquals(
    await database.rows(
      "SELECT ts AT TIME ZONE 'UTC' || '' AS ts, status_line, headers, body FROM evidence",
    ),
    [{
      ts: "2026-05-01 00:00:01.000123",
      status_line: evidence!.statusLine,
      headers: evidence!.headers,
      body: evidence!.body,
    }],
  );
  assertEquals(
    (await database.rows(
      `SELECT encode(fingerprint, 'hex') AS fingerprint, subject, issuer, serial, names,
         not_before AT TIME ZONE 'UTC' || '' AS from, not_after AT TIME ZONE 'UTC' || '' AS to
       FROM certificates ORDER BY fingerprint`,
    ))[0],
    {
      fingerprint,
      subject: certificate(1).subject,
      issuer: certificate(1).issuer,
      serial: certificate(1).serial,
      names: certificate(1).names,
      from: "2026-01-01 00:00:00",
      to: "2026-08-01 12:00:00",
    },
  );
  assertEquals(
    await database.rows(
      `SELECT first_seen = ts AS same, s.site_id = r.site_id AND s.agent_id = r.agent_id AS ours,
         ARRAY(SELECT encode(each, 'hex') FROM unnest(chain) AS each) AS chain
       FROM site_certificates s, check_results r WHERE r.body_bytes IS NOT NULL`,
    ),
    [{ same: true, ours: true, chain: [fingerprint, "02" + "5e".repeat(31)] }],
  );
});

Deno.test("storeBatch() notes each chain that a site shows to an agent, once", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const other = { agentUUID: AGENT };
  const tls = { ...fullMessage().tls!, chain: undefined };
  await storeAll(
    store,
    [full(10, showing(1, 2)), full(11, { tls }), full(12, showing(1, 2))],
    [full(14, showing(3, 2)), full(15, { ...showing(1, 2), ...other })],
    [full(16, showing(3, 2)), full(17, showing(1, 2)), full(18, { ...showing(1, 2), ...other })],
    [full(19, { tls: { ...tls, chain: [] } }), full(20, { url: "https://x/", ...showing(1, 2) })],
    // Late: it was sent before the one at 14.
    [full(13, showing(1, 2))],
  );
  const changes = await database.rows(
    `SELECT extract(second FROM first_seen)::int AS at, a.identity AS uuid, url,
       get_byte(chain[1], 0) AS own
     FROM site_certificates JOIN agents a ON a.id = agent_id JOIN sites s ON s.id = site_id
     ORDER BY first_seen`,
  );
  const { agentUUID, url } = fullMessage();
  assertEquals(changes, [
    { at: 10, uuid: agentUUID, url, own: 1 },
    { at: 14, uuid: agentUUID, url, own: 3 },
    { at: 15, uuid: AGENT, url, own: 1 },
    { at: 20, uuid: agentUUID, url: "https://x/", own: 1 },
  ]);
  assertEquals((await database.rows(COUNTS))[0].certificates, 3);
});

Deno.test("storeBatch() stores phases and addresses at the edge of what PostgreSQL has", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const edges = [0, 1e-300, 5e-324, 1e-45, 1e-9, 1e-6, 0.1 + 0.2, 16_777_217, 2 ** 31 - 1];
  const addresses = [
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:192.0.2.1",
    "64:ff9b::192.0.2.1",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:192.0.2.1",
    "2001:DB8::A",
    "fe80::1%eth0",
  ];
  const messages = [
    ...edges.map((ms, n) => full(n, { phases: { ...fullMessage().phases!, dns: ms } })),
    ...addresses.map((remoteAddress, n) => full(100 + n, { remoteAddress })),
  ];
  assertEquals(
    await storeAll(store, messages, messages),
    [[messages.length, 0, 0], [0, messages.length, 0]],
  );
});

Deno.test("storeBatch() by several at once makes what they share once, without deadlock", async () => {
  await using database = await ownDatabase({ max: 6 });
  const messages = Array.from({ length: 300 }, (_, n) =>
    full(n, {
      url: `https://${n % 60}.example/`,
      location: `place ${n % 7}`,
      ...showing(n % 50, 100 + n % 11),
    }));
  await Promise.all([0, 1, 2, 3, 4].map(async (partition) => {
    const source = { ...SOURCE, partition };
    const store = await begunStore(database, source);
    // The same shared rows in another order each, and results of its own.
    const own = messages.toSorted((a, b) => (a.url + partition).localeCompare(b.url + partition));
    if (partition % 2) own.reverse();
    const agentUUID = AGENT.replace("6", String(partition));
    const batch = own.map((message) => ({ ...message, agentUUID }));
    for (let start = 0; start < batch.length; start += 100) {
      await store.storeBatch(
        source,
        records(start, batch.slice(start, start + 100)),
        BigInt(start),
      );
    }
  }));
  const { results, letters, evidence, contexts, connections, certificates } =
    (await database.rows(COUNTS))[0];
  assertEquals([results, letters, evidence], [1500, 0, 1500]);
  assertEquals([contexts, connections, certificates], [7, 50, 61]);
});

Deno.test("storeBatch() waits for nobody who has shown the same issuer's certificate", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await storeAll(store, [full(1, showing(1, 9))]);
  const holder = await database.pool.connect();
  try {
    await holder.query("BEGIN; SELECT FROM certificates FOR UPDATE");
    await storeAll(store, [full(2, { url: "https://x/", ...showing(1, 9) })]);
  } finally {
    await holder.query("ROLLBACK");
    holder.release();
  }
});

Deno.test("storeBatch() uses no id up for what results share", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const batch = (start: number) => Array.from({ length: 50 }, (_, n) => full(start + n));
  await storeAll(store, batch(0), batch(50), [full(200, { location: "us", ...showing(7) })]);
  assertEquals(await database.value("SELECT max(id) FROM contexts"), 2);
  assertEquals(await database.value("SELECT max(id) FROM connections"), 2);
});

Deno.test("storeBatch() sets only the result aside whose evidence or certificate is refused", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `ALTER TABLE evidence ADD CHECK (body <> 'poison');
     ALTER TABLE certificates ADD CHECK (serial <> 'poison')`,
  );
  const store = await begunStore(database);
  const tls = {
    ...fullMessage().tls!,
    chain: [{ ...certificate(5), serial: "poison" }],
  };
  const evidence = { ...fullMessage().evidence!, body: "poison" };
  const batch = [full(1), full(2, { evidence }), full(3), full(4, { tls }), full(5)];
  assertEquals(await storeAll(store, batch), [[3, 0, 2]]);
  assertEquals(
    await database.rows('SELECT "offset"::int, reason FROM dead_letters ORDER BY 1'),
    [{ offset: 1, reason: "store_failed" }, { offset: 3, reason: "store_failed" }],
  );
  const { results, evidence: kept, certificates } = (await database.rows(COUNTS))[0];
  assertEquals([results, kept, certificates], [3, 3, 2]);
});

Deno.test("storeBatch() makes the evidence's partition again where it was dropped", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  await storeAll(store, [full(1)]);
  await database.rows("DROP TABLE evidence_p20260501");
  assertEquals(await storeAll(store, [full(2)]), [[1, 0, 0]]);
  assertEquals(await database.value("SELECT count(*)::int FROM evidence"), 1);
});
