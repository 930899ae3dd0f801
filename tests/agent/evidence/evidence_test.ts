import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { evidenceOf } from "../../../agent/evidence/evidence.ts";
import { response } from "../support.ts";

Deno.test("evidenceOf() keeps the status line, chosen headers and the body", () => {
  const record = response({
    status: 503,
    statusText: "Service Unavailable",
    headers: [
      ["server", "nginx"],
      ["date", "Thu, 01 Jan 2026 00:00:00 GMT"],
      ["content-type", "text/plain"],
      ["content-length", "5"],
      ["retry-after", "30"],
      ["cache-control", "no-store"],
      ["via", "1.1 a"],
      ["via", "1.1 b"],
      ["x-request-id", "abc-123"],
      ["location", "https://me:pw@b.test/?token=abc&x=1"],
      ["www-authenticate", 'Bearer realm="x", error="invalid_token"'],
      ["set-cookie", "sid=1"],
      ["authorization", "Bearer abc"],
      ["x-internal", "secret stuff"],
    ],
    text: "sorry",
  });
  assertEquals(evidenceOf(record, []), {
    statusLine: "HTTP/1.1 503 Service Unavailable",
    headers: {
      "content-type": "text/plain",
      "content-length": "5",
      location: "https://(hidden)@b.test/?token=(hidden)&x=1",
      server: "nginx",
      date: "Thu, 01 Jan 2026 00:00:00 GMT",
      "retry-after": "30",
      "cache-control": "no-store",
      via: "1.1 a, 1.1 b",
      "x-request-id": "abc-123",
      "www-authenticate": "Bearer",
    },
    body: "sorry",
  });
});

Deno.test("evidenceOf() of what has no version, no reason and no body", () => {
  const record = response({ status: 500, statusText: "", httpVersion: null });
  assertEquals(evidenceOf(record, []), { statusLine: "HTTP 500", headers: {}, body: null });
});

Deno.test("evidenceOf() is null where no response came, and keeps half of one", () => {
  const error = { class: "body_aborted", message: "x" } as const;
  assertEquals(evidenceOf(response({ status: null, error }), []), null);
  assertEquals(evidenceOf(response({ error, text: "hal" }), [])!.body, "hal");
});

for (
  const [name, secret] of [
    ["a password", "hunter2-hunter2"],
    ["a short password", "pw"],
    ["one with quotes", `a"b<c>'d`],
  ] as const
) {
  Deno.test(`evidenceOf() shows ${name} of the request nowhere`, () => {
    const record = response({
      status: 500,
      statusText: `No ${secret}`,
      headers: [["server", secret], ["location", `/?x=${encodeURIComponent(secret)}`]],
      text: `<p>${secret}</p> ${JSON.stringify({ secret })}`,
    });
    const text = JSON.stringify(evidenceOf(record, [{ value: secret, name: "(hidden)" }]));
    assert(!text.includes(secret), text);
    assert(!text.includes(JSON.stringify(secret).slice(1, -1)), text);
    assert(!text.includes(encodeURIComponent(secret)), text);
  });
}

Deno.test("evidenceOf() keeps the first 2 KiB in whole characters, of any body", () => {
  const body = evidenceOf(response({ status: 500, text: "é€😀".repeat(1_000) }), [])!.body!;
  const bytes = new TextEncoder().encode(body).length;
  assertLessOrEqual(bytes, 2_048);
  assert(bytes > 2_044, String(bytes));
  assert(body.isWellFormed() && "é€😀".repeat(1_000).startsWith(body));
});

Deno.test("evidenceOf() shows no part of a secret that the cut goes through", () => {
  const secret = "0123456789-abcdefghij";
  for (let before = 2_020; before <= 2_060; before++) {
    const record = response({
      status: 500,
      text: "x".repeat(before) + secret + "y".repeat(50_000),
    });
    const { body } = evidenceOf(record, [{ value: secret, name: "(hidden)" }])!;
    assert(!/\d/.test(body!), `${before}: ${body!.slice(-40)}`);
  }
  const cut = response({ status: 500, text: `it is ${secret.slice(0, 12)}`, bodyTruncated: true });
  assertEquals(evidenceOf(cut, [{ value: secret, name: "(hidden)" }])!.body, "it is (hidden)");
});

Deno.test("evidenceOf() gives nothing that PostgreSQL or a terminal would choke on", () => {
  const record = response({
    status: 500,
    statusText: "a\x1b[31mb\0c",
    headers: [["server", "a\x9b31mb\tc"], ["content-type", "text/plain; charset=utf-8"]],
    body: new Uint8Array([0x61, 0, 0x1b, 0x5b, 0xff, 0x0d, 0x0a, 0x09, 0x62, 0xc2, 0x9b]),
  });
  assertEquals(evidenceOf(record, []), {
    statusLine: "HTTP/1.1 500 a\uFFFD[31mb\uFFFDc",
    headers: { server: "a\uFFFD31mb c", "content-type": "text/plain; charset=utf-8" },
    body: "a\uFFFD\uFFFD[\uFFFD\r\n\tb\uFFFD",
  });
});

Deno.test("evidenceOf() cuts what a site makes long", () => {
  const record = response({
    status: 500,
    statusText: "x".repeat(60_000),
    headers: [["server", "y".repeat(60_000)], ["www-authenticate", "z".repeat(60_000)]],
  });
  assertLessOrEqual(JSON.stringify(evidenceOf(record, [])).length, 1_000);
});

Deno.test("evidenceOf() reads the body in its charset", () => {
  const record = response({
    status: 500,
    headers: [["content-type", "text/html; charset=iso-8859-1"]],
    body: new Uint8Array([0x47, 0x72, 0xfc, 0xdf, 0x65]),
  });
  assertEquals(evidenceOf(record, [])!.body, "Grüße");
});
