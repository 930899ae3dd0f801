import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { MAX_HEAD_BYTES } from "../../../../../agent/http/timed/read/response_parser.ts";
import type { FailureClass } from "../../../../../agent/http/errors.ts";
import { assertLinear } from "../../../../support/growth.ts";
import { parse, type Parsed } from "./parse_response.ts";

// What is read and what is not: http_doc_test.ts, by the table of docs/http.md.

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

const BOUNDS: Readonly<Record<string, [text: string, expected: FailureClass]>> = {
  "an endless chunk line": [`${CHUNKED}5;${"x".repeat(5000)}`, "bad_chunk"],
  "endless trailers": [
    `${CHUNKED}0\r\n${"A: b\r\n".repeat(MAX_HEAD_BYTES / 6 + 1)}`,
    "headers_too_large",
  ],
  "more lines than a head may have": [
    `HTTP/1.1 200 OK\r\n${"A:\r\n".repeat(5001)}`,
    "headers_too_large",
  ],
  "interim responses without end": ["HTTP/1.1 100 Continue\r\n\r\n".repeat(17), "bad_http"],
  "a status line without end": [`HTTP/1.1 200 ${"x".repeat(MAX_HEAD_BYTES)}`, "headers_too_large"],
  "blank lines without end": ["\r\n".repeat(MAX_HEAD_BYTES), "headers_too_large"],
};

for (const [name, [text, expected]] of Object.entries(BOUNDS)) {
  Deno.test(`ResponseParser refuses ${name}, wherever it is split`, () => {
    const all = bytes(text);
    const step = Math.max(1, Math.floor(all.length / 50));
    for (let at = 0; at < all.length; at += step) {
      const pieces = [all.subarray(0, at), all.subarray(at)];
      assertEquals(parse(pieces, { stays: true }).error, expected, `split at ${at}`);
    }
  });
}

Deno.test("ResponseParser takes heads of 256 KiB and not one byte more", () => {
  const frame = "HTTP/1.1 200 OK\r\nA: \r\nContent-Length: 0\r\n\r\n";
  const head = (size: number) =>
    bytes(frame.replace("A: ", `A: ${"x".repeat(size - frame.length)}`));
  assertEquals(parse([head(MAX_HEAD_BYTES)]).complete, 1);
  assertEquals(parse([head(MAX_HEAD_BYTES + 1)]).error, "headers_too_large");
});

Deno.test("ResponseParser knows whether the connection may serve another request", () => {
  const one = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const table: [text: string, expected: boolean][] = [
    [one, true],
    [one.replace("OK", "OK\r\nConnection: x, Close"), false],
    [one.replace("1.1", "1.0"), false],
    [one.replace("1.1 200 OK", "1.0 200 OK\r\nConnection: keep-alive"), true],
    [`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, true],
    [`${CHUNKED.replace("OK", "OK\r\nContent-Length: 5")}5\r\nhello\r\n0\r\n\r\n`, false],
    ["HTTP/1.1 200 OK\r\n\r\nhello", false],
    ["HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true],
    ["HTTP/1.1 101 Switching Protocols\r\n\r\n", false],
    [`${one}x`, false],
    [one + one, false],
  ];
  for (const [text, expected] of table) {
    const { body, heads, complete, reusable } = parse([bytes(text)]);
    assertEquals([heads.length, complete, reusable], [1, 1, expected], text);
    if (body !== "") assertEquals(body, "hello");
  }
  const two = parse([bytes(one), bytes("x")]);
  assertEquals([two.body, two.complete, two.reusable], ["hello", 1, false]);
});

Deno.test("ResponseParser skips a body that nobody wants, as far as it has come", () => {
  const head = "HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\n";
  const skip = (...pieces: string[]) => parse(pieces.map(bytes), { wanted: "skip", stays: true });
  const table: [Parsed, reusable: boolean][] = [
    [skip(`${head}hello`), true],
    [skip(head), false],
    [skip(`${head}hel`), false],
    // Its bytes are the next response's to nobody.
    [skip(head, "hello"), false],
    [skip(`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`), true],
    [skip(`${CHUNKED}zz\r\n`), false],
  ];
  for (const [parsed, reusable] of table) {
    assertEquals(
      [parsed.heads.length, parsed.body, parsed.complete, parsed.reusable, parsed.error],
      [1, "", 1, reusable, null],
    );
  }
});

Deno.test("ResponseParser expects no body after HEAD and CONNECT", () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  const parsed = parse([bytes(head)], { wanted: "none", stays: true });
  assertEquals([parsed.complete, parsed.reusable], [1, true]);
});

Deno.test("ResponseParser keeps repeated headers, every byte of them, and folded lines", () => {
  const text = "HTTP/1.1 200 Fine thing\r\nSet-Cookie:\t a \r\nset-cookie: b\xe9\x8a\r\n  c\r\n" +
    "X:\r\n y\r\n\r\n";
  assertEquals(parse([bytes(text)]).heads[0], {
    status: 200,
    statusText: "Fine thing",
    httpVersion: "1.1",
    headers: [["set-cookie", "a"], ["set-cookie", "b\xe9\x8a c"], ["x", "y"]],
  });
});

/** Pseudo-random numbers below `n`, the same at each run (mulberry32). */
function randomNumbers(seed: number): (n: number) => number {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

/** What responses are made of, right and wrong. */
const PARTS = [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.0 301 Moved\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 5, 05\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: keep-alive\r\n",
  " folded\r\n",
  "\r\n",
  "\n",
  "hello",
  "5\r\nhello\r\n",
  '3;a="b\\"" ; c\r\nabc\r\n',
  "000\r\n",
  "fffffffffffffffff\r\n",
  "0\r\n\r\n",
  "\r",
  "\0",
  "\xff",
  ": ",
  ";".repeat(300),
  "a; ".repeat(1400),
  "x".repeat(5000),
];

Deno.test("ResponseParser makes the same of any bytes, however they come in pieces", () => {
  const random = randomNumbers(9112);
  const kinds = new Map<string, number>();
  for (let round = 0; round < 3_000; round++) {
    let text = ["", CHUNKED, ...PARTS.slice(0, 3)][random(5)]!;
    for (let parts = random(12); parts > 0; parts--) text += PARTS[random(PARTS.length)];
    const all = bytes(text);
    for (let flips = random(3); flips > 0 && random(2) === 0; flips--) {
      all[random(all.length || 1)] = random(256);
    }
    const whole = parse([all]);
    const pieces: Buffer[] = [];
    const largest = [1, 2, 7, 100, 3000][random(5)]!;
    for (let at = 0; at < all.length;) {
      const size = 1 + random(largest);
      pieces.push(all.subarray(at, at + size));
      at += size;
    }
    assertEquals(parse(pieces), whole, JSON.stringify(text.slice(0, 500)));
    const kind = whole.error ?? "read";
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  // The rounds reach all there is.
  for (const kind of ["read", "bad_http", "bad_chunk", "body_aborted", "connection_reset"]) {
    assertEquals((kinds.get(kind) ?? 0) > 20, true, `${kind}: ${kinds.get(kind)}`);
  }
});

Deno.test("ResponseParser takes time in proportion to the bytes, whatever they are", () => {
  const lines = (bytes: number) => `5${'; a = "'.repeat(500)}\r\nhello\r\n`.repeat(bytes / 4_000);
  const hostile: Record<string, (bytes: number) => string> = {
    "folds": (bytes) => `HTTP/1.1 200 OK\r\nA: b\r\n${" c\r\n".repeat(bytes / 4)}`,
    "spaces in a value": (bytes) => `HTTP/1.1 200 OK\r\nA: b${" ".repeat(bytes)}c\r\n\r\n`,
    "commas": (bytes) =>
      `HTTP/1.1 200 OK\r\nContent-Length: ${"5,".repeat(bytes / 2)}5\r\n\r\nhello`,
    "zeros": (bytes) => `HTTP/1.1 200 OK\r\nContent-Length: ${"0".repeat(bytes)}5\r\n\r\nhello`,
    "one-byte chunks": (bytes) => `${CHUNKED}${"1\r\nx\r\n".repeat(bytes / 6)}0\r\n\r\n`,
    "extensions": (bytes) => CHUNKED + lines(bytes),
  };
  for (const [name, text] of Object.entries(hostile)) {
    const work = (size: number) => {
      const all = bytes(text(size));
      parse([all]);
      parse(
        Array.from({ length: Math.ceil(all.length / 7) }, (_, i) => all.subarray(i * 7, i * 7 + 7)),
      );
    };
    assertLinear(work, 8_000, name);
  }
});
