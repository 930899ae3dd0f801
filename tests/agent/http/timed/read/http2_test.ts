import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { createTimedClient } from "../../../../../agent/http/timed/client.ts";
import type { FailureClass } from "../../../../../agent/http/errors.ts";
import type { HttpClient, HttpRecord, HttpRequest } from "../../../../../agent/http/types.ts";
import { bodyReading } from "../../../../support/body_reading.ts";
import { startHostileServer } from "../../../../support/hostile_server.ts";
import { Authority } from "../../certificates.ts";
import { FRAMES, startHttp2Server, startRawHttp2Server } from "./http2_server.ts";

const never = new AbortController().signal;
const authority = await Authority.create();
const pair = await authority.sign({ name: "site" });
const tls = { ca: authority.cert };
const timed = createTimedClient();
const client: HttpClient = (request, signal) => timed({ httpVersion: "auto", ...request }, signal);

function text({ body }: HttpRecord): string {
  return Buffer.from(body).toString();
}

Deno.test("the timed client speaks HTTP/2 where the site does, with phases and certificate", async () => {
  const server = await startHttp2Server(pair);
  const record = await client({ url: server.url("/fine"), tls }, never);
  assertEquals([record.error, record.status, record.httpVersion], [null, 200, "2"]);
  assertEquals(text(record), "hello");
  assertEquals(record.headers.slice(0, 2), [["x-a", "1"], ["x-a", "2"]]);
  const { dns, connect, tls: handshake, firstByte, download } = record.phases!;
  assert(connect > 0 && handshake > 0 && firstByte > 0);
  const sum = dns + connect + handshake + firstByte + download;
  assertEquals(Math.abs(sum - record.ms) < 0.001, true);
  assertEquals([record.remoteAddress, record.tls?.authorized], ["127.0.0.1", true]);
  assertEquals(record.tls?.chain[0]?.subject, "CN=site");
  await server.close();
});

Deno.test("the timed client makes of HTTP/2 what it makes of HTTP/1", async (t) => {
  const server = await startHttp2Server(pair);
  const table: [
    path: string,
    request: Partial<HttpRequest>,
    expected: [number | null, FailureClass | null, string],
  ][] = [
    ["/gzip", {}, [200, null, "hello"]],
    ["/gzip-lie", {}, [200, "bad_encoding", ""]],
    ["/status-404", {}, [404, null, "none"]],
    ["/empty", {}, [204, null, ""]],
    ["/interim", {}, [200, null, "hello"]],
    ["/fine", { method: "HEAD" }, [200, null, ""]],
    ["/fine", { readBodyBytes: 2 }, [200, null, "he"]],
    ["/redirect", {}, [200, null, "hello"]],
    ["/redirect", { followRedirects: false }, [302, null, "moved"]],
  ];
  for (const [path, request, expected] of table) {
    await t.step(`${path} ${JSON.stringify(request)}`, async () => {
      const record = await client({ url: server.url(path), tls, ...request }, never);
      const found = [record.status, record.error?.class ?? null, text(record)];
      assertEquals(found, expected, record.error?.message);
    });
  }
  const large = await client({ url: server.url("/large"), tls }, never);
  assertEquals([large.error, large.body.length, large.bodyTruncated], [null, 1024 * 1024, true]);
  await server.close();
});

Deno.test("the timed client sends by HTTP/2 what was asked for", async () => {
  const server = await startHttp2Server(pair);
  const record = await client({
    url: server.url("/echo"),
    method: "POST",
    body: new TextEncoder().encode("question"),
    headers: [["Host", "other.test"], ["X-Own", "1"], ["Connection", "close"]],
    tls,
  }, never);
  const sent = JSON.parse(text(record));
  assertEquals(
    [sent[":method"], sent[":scheme"], sent[":authority"], sent["x-own"], sent.body],
    ["POST", "https", "other.test", "1", "question"],
  );
  assertEquals([sent["content-length"], sent.host, sent.connection], ["8", undefined, undefined]);
  await server.close();
});

Deno.test("the timed client reuses a connection of HTTP/2", async () => {
  const server = await startHttp2Server(pair);
  const reusing = createTimedClient();
  const request: HttpRequest = {
    url: server.url("/fine"),
    httpVersion: "auto",
    reuseConnection: true,
    tls,
  };
  const first = await reusing(request, never);
  const second = await reusing(request, never);
  assertEquals([first.error, second.error, server.connections], [null, null, 1]);
  assertEquals([text(second), second.phases!.tls], ["hello", 0]);
  // A cut body ends the stream alone with the connection: what is under way is not waited for.
  await reusing({ ...request, readBodyBytes: 2 }, never);
  assertEquals((await reusing(request, never)).error, null);
  assertEquals(server.connections, 2);
  reusing.close();
  await server.close();
});

Deno.test("the timed client sends nothing by HTTP/2 to a site that does not prove who it is", async () => {
  const server = await startRawHttp2Server(pair, [FRAMES.head, FRAMES.end("hello")]);
  const { error, tls } = await client({ url: server.url("/") }, never);
  assertEquals([error?.class, tls?.authorized], ["tls_certificate_untrusted", false]);
  const insecure = await client({ url: server.url("/"), tls: { insecure: true } }, never);
  assertEquals([insecure.error, text(insecure)], [null, "hello"]);
  assertEquals(server.asked, 1);
  await server.close();
});

Deno.test("`http_version` says what is offered", async () => {
  const both = await startRawHttp2Server(pair, [FRAMES.head, FRAMES.end("hello")]);
  const ask = async (url: string, httpVersion?: HttpRequest["httpVersion"]) => {
    const record = await timed({ url, httpVersion, tls }, never);
    return record.error?.class ?? record.httpVersion;
  };
  assertEquals(await ask(both.url("/")), "1.1");
  assertEquals(await ask(both.url("/"), "auto"), "2");
  assertEquals(await ask(both.url("/"), "2"), "2");
  assertEquals(await ask(both.url("/"), "1.1"), "1.1");
  await both.close();
  const silent = await startHostileServer({ tls: pair });
  assertEquals(await ask(silent.url("/fine")), "1.1");
  assertEquals(await ask(silent.url("/fine"), "2"), "bad_http");
  await silent.close();
  const plain = await startHostileServer();
  assertEquals(await ask(plain.url("/fine"), "2"), "1.1");
  await plain.close();
});

const { head, headOfNine, data, end, reset, goAway } = FRAMES;
const broken: Readonly<Record<string, [(Buffer | "close")[], expected: string]>> = {
  "all of it": [[head, end("hello")], "null 200 hello"],
  "all of it, and the end of the connection": [
    [head, end("hello"), goAway(0), "close"],
    "null 200 hello",
  ],
  "a reset before the head": [[reset(2)], "connection_reset null "],
  "a refusal": [[reset(7)], "connection_reset null "],
  "a reset within the body": [[head, data("hel"), reset(2)], "body_aborted 200 hel"],
  "a cancel within the body": [[head, data("hel"), reset(8)], "body_aborted 200 hel"],
  "the close before the head": [["close"], "connection_reset null "],
  "the close within the body": [[head, data("hel"), "close"], "body_aborted 200 hel"],
  "a GOAWAY with an error": [[goAway(2), "close"], "connection_reset null "],
  "a body shorter than its length": [[headOfNine, end("hel")], "body_aborted 200 hel"],
  "another protocol": [
    [Buffer.from("HTTP/1.1 200 OK\r\n\r\nhello"), "close"],
    "connection_reset null ",
  ],
  "a demand for HTTP/1.1": [[reset(13)], "null 200 hello"],
  "nothing, in time": [[], "timeout null "],
  "a part, and no more in time": [[head, data("hello")], "timeout 200 hello"],
};

for (const [name, [frames, expected]] of Object.entries(broken)) {
  Deno.test(`the timed client takes from HTTP/2 ${name}`, async () => {
    const controller = new AbortController();
    const timeOut = () => controller.abort(new DOMException("", "TimeoutError"));
    const onSent = expected.startsWith("timeout") ? timeOut : undefined;
    const reading = bodyReading();
    const server = await startRawHttp2Server(pair, frames, reading, onSent);
    const { error, status, ...record } = await client(
      { url: server.url("/"), tls, allowance: reading.allowance },
      controller.signal,
    );
    const body = Buffer.from(record.body).toString();
    assertEquals(`${error?.class ?? null} ${status} ${body}`, expected, error?.message);
    if (error) assertStringIncludes(error.message, ": ");
    await server.close();
  });
}
