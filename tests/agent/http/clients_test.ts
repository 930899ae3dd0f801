import { assertEquals, assertGreaterOrEqual, assertLess, assertLessOrEqual } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Allowance } from "../../../agent/condition/allowance.ts";
import { createPlatformFetchClient } from "../../../agent/http/platform_fetch.ts";
import { createTimedClient } from "../../../agent/http/timed/client.ts";
import { DEFAULT_REQUEST } from "../../../config/site/site_request.ts";
import type { HttpClient, HttpRecord } from "../../../agent/http/types.ts";
import { bodyReading } from "../../support/body_reading.ts";
import { ANSWERS, startHostileServer } from "../../support/hostile_server.ts";
import { type Case, CASES, type Expected } from "./client_cases.ts";

/**
 * Far above what any case needs: reached only where a client stalls. The platform's fetch takes a
 * minute for 200,000 chunks on a machine with much else to do.
 */
const DEADLINE_MS = 600_000;

Deno.test("createTimedClient() gives what the table says for each case", async (t) => {
  await runTable(t, createTimedClient(), (c) => c.expected);
});

Deno.test("createPlatformFetchClient() gives what the table says for each case", async (t) => {
  await runTable(
    t,
    createPlatformFetchClient(),
    (c) => c.platform === null ? null : { ...c.expected, ...c.platform },
  );
});

async function runTable(
  t: Deno.TestContext,
  client: HttpClient,
  expectedOf: (c: Case) => Expected | null,
): Promise<void> {
  let reading = bodyReading();
  const server = await startHostileServer({
    answers: {
      ...ANSWERS,
      "reset-body": async (s) => {
        s.write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello");
        // A reset takes along what was not read.
        await reading.hasRead(5);
        s.resetAndDestroy();
      },
    },
  });
  const run = (c: Case, url: string, timeoutMs: number) => {
    reading = bodyReading();
    return runCase(client, c, url, timeoutMs, reading.allowance);
  };
  for (const c of CASES) {
    const expected = expectedOf(c);
    if (expected === null) continue;
    await t.step(`${c.method ?? "GET"} ${c.name}`, async () => {
      const url = c.url ?? server.url(`/${c.name}`);
      let timeoutMs = c.timeoutMs ?? DEADLINE_MS;
      let record = await run(c, url, timeoutMs);
      // A busy machine may not have come so far by then.
      while (isTimeout(record) && !isAsExpected(record, expected) && timeoutMs < DEADLINE_MS) {
        record = await run(c, url, timeoutMs *= 2);
      }
      checkRecord(record, expected);
    });
  }
  await server.close();
}

async function runCase(
  client: HttpClient,
  c: Case,
  url: string,
  timeoutMs: number,
  allowance: Allowance,
): Promise<HttpRecord> {
  const controller = new AbortController();
  const abort = () => controller.abort(new DOMException("", "TimeoutError"));
  const timer = setTimeout(abort, timeoutMs);
  const { method, followRedirects, readBodyBytes } = { ...DEFAULT_REQUEST, ...c };
  const request = { url, method, followRedirects, readBodyBytes, allowance };
  const record = await client(request, controller.signal);
  clearTimeout(timer);
  return record;
}

function isTimeout({ error }: HttpRecord): boolean {
  return error?.class === "timeout";
}

function isAsExpected({ error, status }: HttpRecord, expected: Expected): boolean {
  return (error?.class ?? null) === expected.error && status === expected.status;
}

function checkRecord(record: HttpRecord, expected: Expected): void {
  assertEquals(record.error?.class ?? null, expected.error, record.error?.message);
  assertEquals(record.status, expected.status);
  assertLessOrEqual(record.error?.message.length ?? 0, 256);
  if (expected.body !== undefined) {
    assertEquals(Buffer.from(record.body).toString("latin1"), expected.body);
  }
  if (expected.bodyLength !== undefined) assertEquals(record.body.length, expected.bodyLength);
  if (expected.truncated !== undefined) assertEquals(record.bodyTruncated, expected.truncated);
  if (expected.hops) assertEquals(record.hops.map(({ status }) => status), expected.hops);
  assertLess(record.ms, DEADLINE_MS);
  assertGreaterOrEqual(record.ms, sum(record.hops.map(({ ms }) => ms)) - 0.001);
  if (record.phases) {
    const last = record.hops.at(-1)!;
    assertLess(Math.abs(sum(Object.values(record.phases)) - last.ms), 0.001);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
