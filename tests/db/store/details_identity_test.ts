import { assertEquals } from "@std/assert";
import type { ResultMessage } from "../../../wire/message.ts";
import { certificate } from "../../wire/full_message.ts";
import { begunStore, COUNTS, full, showing, storeAll } from "./details_fixture.ts";
import { ownDatabase, SOURCE } from "../fixture.ts";

Deno.test("storeBatch() stores a batch with details once, however often it comes", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const batch = [full(1), full(1), full(2, showing(3)), full(3, showing(1, 2))];
  assertEquals(await storeAll(store, batch, batch), [[3, 1, 0], [0, 4, 0]]);
  const counts = {
    results: 3,
    letters: 0,
    evidence: 3,
    contexts: 1,
    connections: 2,
    certificates: 3,
    chains: 2,
  };
  assertEquals((await database.rows(COUNTS))[0], counts);
  // Read again from the start, in other batches.
  assertEquals(await store.moveOffset(SOURCE, 8n, 0n), true);
  assertEquals(await storeAll(store, batch.slice(0, 3), batch.slice(3)), [[0, 3, 0], [0, 1, 0]]);
  assertEquals((await database.rows(COUNTS))[0], counts);
});

Deno.test("storeBatch() compares every detail, and keeps nothing of a result that is set aside", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const { evidence: _, ...stored } = full(1);
  delete stored.tls!.chain;
  await storeAll(store, [stored]);
  const tls = stored.tls!;
  const phases = stored.phases!;
  const others: Partial<ResultMessage>[] = [
    ...Object.keys(phases).map((phase) => ({ phases: { ...phases, [phase]: 77 } })),
    { phases: undefined },
    { bodyBytes: 1 },
    { bodyTruncated: false },
    { bodyTruncated: undefined },
    { remoteAddress: "192.0.2.9" },
    { httpVersion: "2" },
    { redirects: stored.redirects!.toReversed() },
    { redirects: undefined },
    { tls: { ...tls, version: null } },
    { tls: { ...tls, cipher: "x" } },
    { tls: { ...tls, verified: true } },
    { tls: { ...tls, error: null } },
    { tls: { ...tls, expiresAt: null } },
    { tls: { ...tls, fingerprint: certificate(9).fingerprint } },
    { tls: undefined },
    { location: "us" },
    { labels: {} },
    { labels: { ...stored.labels, more: "x" } },
    { maintenance: false },
    { siteLabels: {} },
    { siteLabels: { ...stored.siteLabels, group: "other" } },
    { frequency: 60 },
    { slots: 1 },
    { attempts: undefined },
    { loopDelay: 6 },
    { scheduledAt: undefined },
    { scheduledAt: "2026-04-30 23:59:59.999999" },
  ];
  const { evidence } = full(1);
  const batch = others.map((changes): ResultMessage => ({ ...stored, evidence, ...changes }));
  // One of them would also bring certificates.
  batch.push({ ...stored, ...showing(8, 9), bodyBytes: 2 });
  assertEquals(await storeAll(store, batch), [[0, 0, batch.length]]);
  const counts = (await database.rows(COUNTS))[0];
  const { letters, certificates, chains } = counts;
  assertEquals([letters, counts.evidence, certificates, chains], [batch.length, 0, 0, 0]);
  assertEquals(
    await database.rows("SELECT DISTINCT reason FROM dead_letters"),
    [{ reason: "key_taken" }],
  );
});

Deno.test("storeBatch() takes a result for the same that differs only in what is not compared", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const first = full(1);
  const same: ResultMessage[] = [
    { ...first, labels: Object.fromEntries(Object.entries(first.labels!).toReversed()) },
    { ...first, phases: { ...first.phases!, tls: 1234.56701 } },
    { ...first, evidence: { ...first.evidence!, body: "another" } },
    { ...first, evidence: undefined },
    { ...first, tls: { ...first.tls!, chain: undefined } },
  ];
  assertEquals(await storeAll(store, [first], same), [[1, 0, 0], [0, same.length, 0]]);
  assertEquals(await database.value("SELECT body FROM evidence"), first.evidence!.body);
});

Deno.test("storeBatch() takes a row without details for the same, as an older writer stored it", async () => {
  await using database = await ownDatabase();
  const store = await begunStore(database);
  const base = full(1);
  const { ts, agentUUID, url, regexResult, responseCode, responseTime, errorMessage } = base;
  const { site, verdict, reason, errorClass, scheduledAt } = base;
  const known = {
    ...{ ts, agentUUID, url, regexResult, responseCode, responseTime, errorMessage },
    ...{ site, verdict, reason, errorClass, scheduledAt },
  };
  assertEquals(
    await storeAll(store, [known], [base, full(1, { responseCode: 200 })]),
    [[1, 0, 0], [0, 1, 1]],
  );
});
