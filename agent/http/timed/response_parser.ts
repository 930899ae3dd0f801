import type { Buffer } from "node:buffer";
import { HTTPParser } from "http-parser-js";
import { ExchangeFailure, failure } from "./failure.ts";

/** Bytes of all heads of a response together (interim ones too), and of its trailers: 64 KiB. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** Interim (1xx) responses before the final one. */
const MAX_INTERIM = 16;
/** A chunk's size line, its extensions included. */
const MAX_CHUNK_LINE = 4096;
/** RFC 9112, 7.1; 13 digits stay below 2^53. */
const CHUNK_SIZE = /^([0-9a-f]{1,13})[ \t]*(;.*)?$/i;

/** Status line and headers. */
export interface ResponseHead {
  status: number;
  statusText: string;
  /** "1.0" or "1.1" */
  httpVersion: string;
  /** Lower-case names, in the order received, repeats kept. */
  headers: [name: string, value: string][];
}

/** Told of a response as it comes. */
export interface ResponseListener {
  /** Returns whether a body is to be read; false ends the response. */
  onHead(head: ResponseHead): boolean;
  /** A piece of the body, in memory that is the caller's to keep. */
  onBody(piece: Buffer): void;
  /** All of it came. */
  onComplete(): void;
}

/** What http-parser-js calls its insides by; its own types hide them. */
interface Insides {
  state: string;
  line: string;
  chunk: Buffer;
  offset: number;
  end: number;
  body_bytes: number | null;
  execute(chunk: Buffer): number | Error;
  finish(): void | Error;
}

interface HeadInfo {
  versionMajor: number;
  versionMinor: number;
  statusCode: number;
  statusMessage: string;
  headers: string[];
  shouldKeepAlive: boolean;
}

const Base = HTTPParser as unknown as new (type: string) => Insides;
const ON_HEADERS_COMPLETE = HTTPParser.kOnHeadersComplete;
const ON_BODY = HTTPParser.kOnBody;
const ON_COMPLETE = HTTPParser.kOnMessageComplete;

/**
 * http-parser-js made strict, and bounded. On its own it takes a chunk size of "zz" for the end of
 * the body, walks backwards for ever over a negative length, keeps a line of any length, and reads
 * headers as 7-bit. The methods overridden here (`consumeLine`, `BODY_CHUNK...`) are its private ones:
 * the version is pinned, and the tests hold each case.
 */
export class ResponseParser extends Base {
  /** Whether the connection may serve another request; known once complete. */
  reusable = false;
  #headBytes = 0;
  #trailerBytes = 0;
  #interim = 0;
  #headDone = false;
  #done = false;
  readonly #listener: ResponseListener;

  constructor(listener: ResponseListener) {
    super(HTTPParser.RESPONSE);
    this.#listener = listener;
  }

  /**
   * Takes what came from the site.
   *
   * @throws ExchangeFailure at the first byte that breaks the rules; what came before was told
   */
  write(chunk: Buffer): void {
    if (this.#done) return;
    const before = this.#headBytes;
    const result = this.execute(chunk);
    if (result instanceof Error && !this.#done) throw this.#malformed(result);
    if (!this.#headDone) {
      this.#headBytes = before + chunk.length;
      this.#checkHeadBytes();
    }
  }

  /** The site closed the connection. @throws ExchangeFailure unless that is how the body ends */
  close(): void {
    if (this.#done) return;
    if (!this.#headDone) throw failure("connection_reset");
    if (this.state !== "BODY_RAW") throw failure("body_aborted", "The connection was closed");
    this.finish();
  }

  #malformed(cause: Error): ExchangeFailure {
    if (cause instanceof ExchangeFailure) return cause;
    // The library has a cap of its own, above ours, for the heads that come in one piece.
    if (/header size/.test(cause.message)) return failure("headers_too_large");
    return failure("bad_http", (cause as { code?: string }).code ?? cause.message);
  }

  #checkHeadBytes(): void {
    if (this.#headBytes > MAX_HEAD_BYTES) {
      throw failure("headers_too_large", `More than ${MAX_HEAD_BYTES} bytes`);
    }
  }

  [ON_HEADERS_COMPLETE](info: HeadInfo): number {
    const { statusCode: status } = info;
    if (info.versionMajor !== 1) throw failure("bad_http", "The version is not HTTP/1");
    if (status < 100) throw failure("bad_http", "The status is below 100");
    if (status >= 100 && status < 200 && status !== 101) {
      if (++this.#interim > MAX_INTERIM) {
        throw failure("bad_http", `More than ${MAX_INTERIM} interim responses`);
      }
      return 1;
    }
    this.#headBytes += this.offset;
    this.#checkHeadBytes();
    this.#headDone = true;
    const headers = pairs(info.headers);
    checkFraming(headers);
    const withBody = this.#listener.onHead({
      status,
      statusText: info.statusMessage,
      httpVersion: `${info.versionMajor}.${info.versionMinor}`,
      headers,
    });
    this.reusable = info.shouldKeepAlive && status !== 101;
    // The library would wait for the bytes that a 304's Content-Length only describes.
    return withBody && status !== 101 && status !== 204 && status !== 304 ? 0 : 1;
  }

  [ON_BODY](piece: Buffer): void {
    if (!this.#done) this.#listener.onBody(piece);
  }

  [ON_COMPLETE](): void {
    if (!this.#headDone || this.#done) return;
    this.#done = true;
    // What follows is no part of it, and not looked at.
    this.reusable &&= this.offset === this.end;
    this.offset = this.end;
    this.#listener.onComplete();
  }

  /** In latin1, which keeps every byte, and without a search byte by byte. */
  consumeLine(): string | undefined {
    const at = this.chunk.indexOf(0x0a, this.offset);
    const end = at === -1 ? this.end : at;
    const line = this.line + this.chunk.toString("latin1", this.offset, end);
    if (this.state === "BODY_CHUNKTRAILERS") this.#countTrailer(end - this.offset + 1);
    if (at === -1) {
      if (this.state === "BODY_CHUNKHEAD" && line.length > MAX_CHUNK_LINE) throw badChunk();
      this.line = line;
      this.offset = this.end;
      return undefined;
    }
    this.line = "";
    this.offset = at + 1;
    if (line.includes("\0")) throw failure("bad_http", "A header has a NUL character");
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }

  #countTrailer(bytes: number): void {
    this.#trailerBytes += bytes;
    if (this.#trailerBytes > MAX_HEAD_BYTES) throw failure("headers_too_large", "In the trailers");
  }

  // The library makes a closure, a string and two copies of a view for each chunk; a body of one-byte
  // chunks has a million of them. These take the usual form without any.

  BODY_CHUNK(): void {
    const from = this.offset;
    const to = Math.min(this.end, from + this.body_bytes!);
    this.offset = to;
    this.body_bytes! -= to - from;
    if (this.body_bytes === 0) this.state = "BODY_CHUNKEMPTYLINE";
    if (!this.#done) this.#listener.onBody(this.chunk.subarray(from, to));
  }

  BODY_CHUNKHEAD(): void {
    const short = this.#shortChunkSize();
    if (short > 0) {
      this.body_bytes = short;
      this.state = "BODY_CHUNK";
      return;
    }
    const line = this.consumeLine();
    if (line === undefined) return;
    const size = CHUNK_SIZE.exec(line)?.[1];
    if (size === undefined || line.length > MAX_CHUNK_LINE) throw badChunk();
    this.body_bytes = parseInt(size, 16);
    this.state = this.body_bytes === 0 ? "BODY_CHUNKTRAILERS" : "BODY_CHUNK";
  }

  /** A size of up to four digits and its line break, where all of it has come; else 0. */
  #shortChunkSize(): number {
    if (this.line !== "") return 0;
    const { chunk, end } = this;
    let size = 0;
    let at = this.offset;
    for (const last = Math.min(end, at + 4); at < last; at++) {
      const digit = hexDigit(chunk[at]!);
      if (digit === -1) break;
      size = size * 16 + digit;
    }
    if (size === 0 || at + 1 >= end || chunk[at] !== 0x0d || chunk[at + 1] !== 0x0a) return 0;
    this.offset = at + 2;
    return size;
  }

  BODY_CHUNKEMPTYLINE(): void {
    const { chunk, offset } = this;
    if (this.line === "" && offset + 1 < this.end && chunk[offset] === 0x0d) {
      if (chunk[offset + 1] !== 0x0a) throw failure("bad_chunk", "It is longer than its size");
      this.offset += 2;
      this.state = "BODY_CHUNKHEAD";
      return;
    }
    const line = this.consumeLine();
    if (line === undefined) {
      if (this.line.length > 2) throw badChunk();
      return;
    }
    if (line !== "") throw failure("bad_chunk", "It is longer than its size");
    this.state = "BODY_CHUNKHEAD";
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function badChunk(): ExchangeFailure {
  return failure("bad_chunk", "Its size is not a hexadecimal number");
}

/** [name, value, ...] as pairs, names in lower case. */
function pairs(flat: readonly string[]): [string, string][] {
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    headers.push([flat[i]!.toLowerCase(), flat[i + 1]!]);
  }
  return headers;
}

/** RFC 9112, 6.3: what says where the body ends must be understood, or the response is unreadable. */
function checkFraming(headers: readonly [string, string][]): void {
  for (const [name, value] of headers) {
    if (name === "content-length" && !/^\d{1,15}$/.test(value)) {
      throw failure("bad_http", "Content-Length is not a number");
    }
    if (name === "transfer-encoding" && !/^(chunked|identity)$/i.test(value)) {
      throw failure("bad_http", "Transfer-Encoding is not known");
    }
  }
}
