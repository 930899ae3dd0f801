import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { ExchangeFailure } from "../../../../agent/http/timed/failure.ts";
import {
  MAX_HEAD_BYTES,
  type ResponseHead,
  ResponseParser,
} from "../../../../agent/http/timed/response_parser.ts";
import type { FailureClass } from "../../../../agent/http/types.ts";

interface Parsed {
  heads: ResponseHead[];
  body: string;
  complete: number;
  reusable: boolean;
}

/** Feeds the pieces, then the end of the connection if `closed`. */
function parse(pieces: readonly Buffer[], closed: boolean, withBody = true): Parsed {
  const parsed: Parsed = { heads: [], body: "", complete: 0, reusable: false };
  const parser = new ResponseParser({
    onHead(head) {
      parsed.heads.push(head);
      return withBody;
    },
    onBody: (piece) => parsed.body += piece.toString("latin1"),
    onComplete: () => parsed.complete++,
  });
  for (const piece of pieces) parser.write(piece);
  if (closed) parser.close();
  parsed.reusable = parser.reusable;
  return parsed;
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

const WHOLE: Readonly<Record<string, { text: string; closed?: boolean; reusable: boolean }>> = {
  "with a length": {
    text: "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello",
    reusable: true,
  },
  "with a length, to be closed": {
    text: "HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    reusable: false,
  },
  "in chunks": {
    text:
      "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n003\r\nllo\r\n0\r\nT: u\r\n\r\n",
    reusable: true,
  },
  "to the close": { text: "HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello", closed: true, reusable: false },
  "after interim ones": {
    text:
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello",
    reusable: true,
  },
};

for (const [name, { text, closed = false, reusable }] of Object.entries(WHOLE)) {
  Deno.test(`ResponseParser reads a response ${name}, wherever it is split`, () => {
    const all = bytes(text);
    for (let at = 0; at < all.length; at++) {
      const pieces = at === 0 ? [all] : [all.subarray(0, at), all.subarray(at)];
      const parsed = parse(pieces, closed);
      assertEquals(parsed.heads.length, 1);
      assertEquals(parsed.heads[0]!.status, 200);
      assertEquals(parsed.heads[0]!.headers[0], ["a", "b"]);
      assertEquals([parsed.body, parsed.complete], ["hello", 1], `split at ${at}`);
      assertEquals(parsed.reusable, reusable);
    }
    const single = [...all].map((byte) => Buffer.from([byte]));
    assertEquals(parse(single, closed).body, "hello");
  });
}

const BROKEN: Readonly<Record<string, [text: string, expected: FailureClass]>> = {
  "no HTTP": ["hello\r\n", "bad_http"],
  "HTTP/2": ["HTTP/2.0 200 OK\r\n\r\n", "bad_http"],
  "a status below 100": ["HTTP/1.1 099 OK\r\n\r\n", "bad_http"],
  "a negative length": ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx", "bad_http"],
  "a length in hexadecimal": ["HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", "bad_http"],
  "an empty length": ["HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nhello", "bad_http"],
  "two lengths": [
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "bad_http",
  ],
  "a NUL": ["HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "bad_http"],
  "a lone carriage return": ["HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "bad_http"],
  "an unknown transfer encoding": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "bad_http",
  ],
  "a chunk of no size": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "bad_chunk"],
  "a chunk of a signed size": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "bad_chunk",
  ],
  "a chunk longer than it says": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
    "bad_chunk",
  ],
  "an endless chunk line": [
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;${"x".repeat(5000)}`,
    "bad_chunk",
  ],
  "endless trailers": [
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${
      "A: b\r\n".repeat(MAX_HEAD_BYTES / 6 + 1)
    }`,
    "headers_too_large",
  ],
  "interim responses without end": ["HTTP/1.1 100 Continue\r\n\r\n".repeat(17), "bad_http"],
  "a status line without end": [`HTTP/1.1 200 ${"x".repeat(MAX_HEAD_BYTES)}`, "headers_too_large"],
  "blank lines without end": ["\r\n".repeat(MAX_HEAD_BYTES), "headers_too_large"],
};

for (const [name, [text, expected]] of Object.entries(BROKEN)) {
  Deno.test(`ResponseParser refuses ${name}, wherever it is split`, () => {
    const all = bytes(text);
    const step = Math.max(1, Math.floor(all.length / 100));
    for (let at = 0; at < all.length; at += step) {
      const pieces = at === 0 ? [all] : [all.subarray(0, at), all.subarray(at)];
      const thrown = assertThrows(() => parse(pieces, false), ExchangeFailure);
      assertEquals(thrown.error.class, expected, `split at ${at}: ${thrown.message}`);
    }
  });
}

Deno.test("ResponseParser takes heads of 64 KiB and not one byte more", () => {
  const frame = "HTTP/1.1 200 OK\r\nA: \r\nContent-Length: 0\r\n\r\n";
  const head = (size: number) =>
    bytes(frame.replace("A: ", `A: ${"x".repeat(size - frame.length)}`));
  assertEquals(parse([head(MAX_HEAD_BYTES)], false).complete, 1);
  const thrown = assertThrows(() => parse([head(MAX_HEAD_BYTES + 1)], false), ExchangeFailure);
  assertEquals(thrown.error.class, "headers_too_large");
});

Deno.test("ResponseParser tells how a connection ended early", () => {
  const table: [text: string, expected: FailureClass][] = [
    ["", "connection_reset"],
    ["HTTP/1.1 2", "connection_reset"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "body_aborted"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "body_aborted"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "body_aborted"],
  ];
  for (const [text, expected] of table) {
    const thrown = assertThrows(() => parse([bytes(text)], true), ExchangeFailure);
    assertEquals(thrown.error.class, expected, text);
  }
});

Deno.test("ResponseParser ignores what follows a response, and does not reuse such a connection", () => {
  const one = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (const more of ["x", "HTTP/1.1 200 OK\r\n\r\n", "garbage\r\n\r\n", `${one}${one}`]) {
    const parsed = parse([bytes(one + more)], true);
    assertEquals([parsed.heads.length, parsed.body, parsed.complete], [1, "hello", 1]);
    assertEquals(parsed.reusable, false);
  }
});

Deno.test("ResponseParser expects no body where there can be none", () => {
  for (const status of [204, 304, 101]) {
    const text = `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\n`;
    assertEquals(parse([bytes(text)], false).complete, 1);
  }
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  assertEquals(parse([bytes(head)], false, false).complete, 1);
});

Deno.test("ResponseParser keeps repeated headers, every byte of them, and folded lines", () => {
  const text = "HTTP/1.1 200 Fine thing\r\nSet-Cookie: a\r\nset-cookie: b\xe9\x8a\r\n  c\r\n\r\n";
  const { heads } = parse([bytes(text)], true);
  assertEquals(heads[0], {
    status: 200,
    statusText: "Fine thing",
    httpVersion: "1.1",
    headers: [["set-cookie", "a"], ["set-cookie", "b\xe9\x8a c"]],
  });
});
