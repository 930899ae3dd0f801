import type { Buffer } from "node:buffer";
import { failure } from "../../errors.ts";
import type { ResponseHead } from "../../types.ts";

/** Bytes of all heads of a response together (interim ones too), and of its trailers: 256 KiB. */
export const MAX_HEAD_BYTES = 256 * 1024;
/** As many as curl takes. */
export const MAX_FIELDS = 5_000;
/** Interim (1xx) responses before the final one. */
const MAX_INTERIM = 16;
/** A chunk's size line, its extensions included. */
const MAX_CHUNK_LINE = 4096;

const STATUS_LINE = /^HTTP\/(\d\.\d) ([0-9]{3})(?: (.*))?$/s;
/** A name is a token (RFC 9110, 5.6.2), with no space behind it. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*)$/s;
/** RFC 9112, 7.1.1. */
const CHUNK_LINE =
  /^([0-9a-f]+)(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9a-z]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9a-z]+|"(?:[^"\\]|\\.)*"))?)*$/is;

const LF = 0x0a;

/** Told of a response as it comes. */
export interface ResponseListener {
  /**
   * Returns what to do with a body: read it; "skip" one that nobody waits for, which ends the response
   * as soon as what has come is looked at; or know that there is none, as after HEAD and CONNECT.
   */
  onHead(head: ResponseHead): "read" | "skip" | "none";
  /** A piece of the body, in memory that is the caller's to keep. */
  onBody(piece: Buffer): void;
  /** All of it came. */
  onComplete(): void;
}

/** A head that is being read. */
type Head = Omit<ResponseHead, "headers"> & { headers: [name: string, value: string][] };

/**
 * Reads one HTTP/1 response by RFC 9112, in time and memory that the bytes bound, and with the same
 * outcome however they come in pieces. docs/http.md has the cases: what is read and what is not.
 */
export class ResponseParser {
  /** Whether the connection may serve another request; known once complete. */
  reusable = false;
  /** What comes next; takes a byte of the piece at least. Null once complete. */
  #step: (() => void) | null = this.#statusLine;
  /** The piece at hand, and how far it is read. */
  #piece!: Buffer;
  #at = 0;
  /** The start of a line whose end has not come. */
  #line = "";
  /** Bytes of the heads so far, then of the trailers. */
  #headBytes = 0;
  #interim = 0;
  #head: Head | null = null;
  /** Bytes that the body, or the chunk at hand, still has. */
  #left = 0;
  #skipsBody = false;
  readonly #listener: ResponseListener;

  constructor(listener: ResponseListener) {
    this.#listener = listener;
  }

  /**
   * Takes what came from the site.
   *
   * @throws ExchangeFailure at the first byte that breaks the rules; what came before was told
   */
  write(piece: Buffer): void {
    this.#piece = piece;
    this.#at = 0;
    try {
      while (this.#at < piece.length && this.#step !== null) this.#step();
    } catch (error) {
      if (!this.#skipsBody) throw error;
    }
    if (this.#skipsBody && this.#step !== null) this.#complete(false);
    else if (this.#at < piece.length) this.reusable = false;
  }

  /** The site closed the connection. @throws ExchangeFailure unless that is how the body ends */
  close(): void {
    if (this.#step === null) return;
    if (this.#step === this.#bodyToClose) return this.#complete(false);
    const inHead = this.#step === this.#statusLine || this.#step === this.#field;
    throw inHead
      ? failure("connection_reset")
      : failure("body_aborted", "The connection was closed");
  }

  #statusLine(): void {
    const line = this.#headLine();
    // Blank ones before it are passed over, as every client does.
    if (!line) return;
    this.#head = parseStatusLine(line);
    this.#step = this.#field;
  }

  #field(): void {
    const line = this.#headLine();
    if (line === "") this.#endHead(this.#head!);
    else if (line !== undefined) addField(this.#head!.headers, line);
  }

  #trailer(): void {
    const line = this.#headLine();
    if (line === "") this.#complete(true);
    else if (line !== undefined) parseField(line);
  }

  #endHead(head: Head): void {
    const { status } = head;
    if (status < 200 && status !== 101) {
      if (++this.#interim > MAX_INTERIM) {
        throw failure("bad_http", `More than ${MAX_INTERIM} interim responses`);
      }
      this.#step = this.#statusLine;
      return;
    }
    this.#headBytes = 0;
    const hasNone = status === 101 || status === 204 || status === 304;
    const length = hasNone ? 0 : bodyLength(head);
    this.reusable = status !== 101 && keepsAlive(head);
    const wanted = this.#listener.onHead(head);
    if (length === 0 || wanted === "none") return this.#complete(true);
    this.#skipsBody = wanted === "skip";
    this.#left = length === "chunked" ? 0 : length;
    this.#step = length === "chunked"
      ? this.#chunkSize
      : length === Infinity
      ? this.#bodyToClose
      : this.#body;
  }

  #complete(reusable: boolean): void {
    this.reusable &&= reusable;
    this.#step = null;
    this.#listener.onComplete();
  }

  #body(): void {
    this.#bodyToClose();
    if (this.#left === 0) this.#complete(true);
  }

  #chunk(): void {
    this.#bodyToClose();
    if (this.#left === 0) this.#step = this.#chunkEnd;
  }

  #bodyToClose(): void {
    const from = this.#at;
    const to = Math.min(this.#piece.length, from + this.#left);
    this.#at = to;
    this.#left -= to - from;
    if (!this.#skipsBody) this.#listener.onBody(this.#piece.subarray(from, to));
  }

  #chunkSize(): void {
    const line = this.#takeLine(MAX_CHUNK_LINE);
    if (line === undefined) return;
    const size = line === null ? undefined : CHUNK_LINE.exec(withoutReturn(line))?.[1];
    if (size === undefined) throw failure("bad_chunk", "Its size is not a hexadecimal number");
    this.#left = parseInt(size, 16);
    this.#step = this.#left === 0 ? this.#trailer : this.#chunk;
  }

  #chunkEnd(): void {
    const line = this.#takeLine(1);
    if (line === undefined) return;
    if (line !== "\r" && line !== "") throw failure("bad_chunk", "It is longer than its size");
    this.#step = this.#chunkSize;
  }

  /** A line of a head or of the trailers; undefined where its end has not come. */
  #headLine(): string | undefined {
    const line = this.#takeLine(MAX_HEAD_BYTES - this.#headBytes - 1);
    if (line === null) throw failure("headers_too_large", `More than ${MAX_HEAD_BYTES} bytes`);
    if (line === undefined) return undefined;
    this.#headBytes += line.length + 1;
    const text = withoutReturn(line);
    if (text.includes("\r") || text.includes("\0")) {
      throw failure("bad_http", "A NUL or a lone carriage return in the head");
    }
    return text;
  }

  /**
   * Takes a line up to its LF, in latin1, which keeps every byte.
   *
   * @param max bytes before the LF
   * @returns null where it is longer, undefined where its end has not come
   */
  #takeLine(max: number): string | null | undefined {
    const piece = this.#piece;
    const found = piece.indexOf(LF, this.#at);
    const end = found === -1 ? piece.length : found;
    if (this.#line.length + end - this.#at > max) return null;
    const line = this.#line + piece.toString("latin1", this.#at, end);
    if (found === -1) {
      this.#line = line;
      this.#at = end;
      return undefined;
    }
    this.#line = "";
    this.#at = found + 1;
    return line;
  }
}

/** A line may end in LF alone (RFC 9112, 2.2). */
function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function parseStatusLine(line: string): Head {
  const [, httpVersion, status, statusText = ""] = STATUS_LINE.exec(line) ?? [];
  if (httpVersion === undefined) throw failure("bad_http", "The status line is not one of HTTP");
  if (!httpVersion.startsWith("1.")) throw failure("bad_http", "The version is not HTTP/1");
  if (Number(status) < 100) throw failure("bad_http", "The status is below 100");
  return { status: Number(status), statusText, httpVersion, headers: [] };
}

function addField(headers: Head["headers"], line: string): void {
  const last = headers.at(-1);
  if (!isBlank(line.charCodeAt(0))) headers.push(parseField(line));
  // A folded line goes on with the one before it (RFC 9112, 5.2); before the first there is none.
  else if (last === undefined) throw failure("bad_http", "A space before the first header");
  else last[1] = last[1] === "" ? trim(line) : `${last[1]} ${trim(line)}`;
  if (headers.length > MAX_FIELDS) {
    throw failure("headers_too_large", `More than ${MAX_FIELDS} lines`);
  }
}

function parseField(line: string): [name: string, value: string] {
  const [, name, value] = FIELD.exec(line) ?? [];
  if (name === undefined) throw failure("bad_http", 'A header line is not "name: value"');
  return [name.toLowerCase(), trim(value!)];
}

/** Without the spaces and tabs at both ends; a regex for those at the end may take quadratic time. */
function trim(text: string): string {
  let from = 0;
  let to = text.length;
  while (isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * RFC 9112, 6.3: the number of bytes, Infinity where the body goes on to the close. What says where it
 * ends must be understood, or the response is unreadable.
 *
 * @throws ExchangeFailure `bad_http`
 */
function bodyLength({ headers }: Head): number | "chunked" {
  const codings = elements(headers, "transfer-encoding").map((coding) => coding.toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length > 0) {
    if (codings.length === 1 && codings[0] === "chunked") return "chunked";
    throw failure("bad_http", `Transfer-Encoding is "${codings.join(", ")}"`);
  }
  const lengths = elements(headers, "content-length");
  if (lengths.length === 0) return Infinity;
  if (!lengths.every((length) => /^[0-9]+$/.test(length))) {
    throw failure("bad_http", "Content-Length is not a number");
  }
  const [length, ...others] = lengths.map((digits) => digits.replace(/^0+(?=\d)/, ""));
  if (others.some((other) => other !== length)) {
    throw failure("bad_http", "Content-Length is two different numbers");
  }
  // Past 2^53 it is not exact, and without end for all purposes, but not to the close.
  return Math.min(Number(length), Number.MAX_VALUE);
}

/** RFC 9112, 9.3; a response with both framings may be an attack (6.3). */
function keepsAlive({ httpVersion, headers }: Head): boolean {
  const options = elements(headers, "connection").map((option) => option.toLowerCase());
  if (options.includes("close")) return false;
  const isAmbiguous = elements(headers, "transfer-encoding").length > 0 &&
    elements(headers, "content-length").length > 0;
  return !isAmbiguous && (httpVersion !== "1.0" || options.includes("keep-alive"));
}

/** The elements of a header that is a list, on one line or on several. */
function elements(headers: Head["headers"], name: string): string[] {
  let found: string[] = [];
  for (const [given, value] of headers) {
    if (given === name) found = found.concat(value.split(",").map(trim));
  }
  return found;
}
