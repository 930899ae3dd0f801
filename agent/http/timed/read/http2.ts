import http2, { type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { classifyError } from "../../classify.ts";
import { ExchangeFailure } from "../../errors.ts";
import type { ResponseHead } from "../../types.ts";
import { Reader, type ReaderOptions } from "./reader.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "./response_parser.ts";

/** What a site may send before we say that there is place for more; HTTP/2's own 64 KiB are few. */
const WINDOW = 1024 * 1024;

/** Begins HTTP/2 over a connection that has agreed on it. */
export function openSession(socket: Socket, authority: string): ClientHttp2Session {
  const session = http2.connect(`https://${authority}`, {
    createConnection: () => socket,
    // The library's 128 are fewer than HTTP/1 may have.
    maxHeaderListPairs: MAX_FIELDS,
    settings: {
      enablePush: false,
      initialWindowSize: WINDOW,
      maxHeaderListSize: MAX_HEAD_BYTES,
    },
  });
  // Stays for its life: an error with nobody to hear it would end the process. Its streams tell of it.
  session.on("error", () => {});
  return session;
}

/** Reads one response of HTTP/2 from its stream. */
export class Http2Reader extends Reader {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  #isComplete = false;

  constructor(session: ClientHttp2Session, stream: ClientHttp2Stream, options: ReaderOptions) {
    super(options);
    this.#session = session;
    this.#stream = stream;
  }

  get reusable(): boolean {
    return this.#isComplete && !this.#session.closed && !this.#session.destroyed;
  }

  /** Whether the site says that it serves this by HTTP/1.1 alone. */
  get needsHttp1(): boolean {
    return this.#stream.rstCode === http2.constants.NGHTTP2_HTTP_1_1_REQUIRED;
  }

  protected listen(): () => void {
    const stream = this.#stream;
    stream.on("response", (_headers, _flags, raw) => this.#takeHead(raw as unknown as string[]));
    // Stay for the stream's life: an error with nobody to hear it would end the process.
    stream.on("error", (error) => this.#fail(error));
    stream.on("close", () => this.#fail(CLOSED));
    return () => {
      if (!this.#isComplete) stream.close(http2.constants.NGHTTP2_CANCEL);
    };
  }

  protected pause(): void {
    this.#stream.pause();
  }

  protected resume(): void {
    this.#stream.resume();
  }

  #takeHead(raw: readonly string[]): void {
    if (this.stopped) return;
    this.firstByte();
    const pairs: [string, string][] = [];
    for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i]!, raw[i + 1]!]);
    const head: ResponseHead = {
      status: Number(pairs.find(([name]) => name === ":status")?.[1]),
      statusText: "",
      httpVersion: "2",
      headers: pairs.filter(([name]) => !name.startsWith(":")),
    };
    try {
      if (this.onHead(head) !== "read") return this.onComplete();
    } catch (error) {
      return this.reject(error as ExchangeFailure);
    }
    // Only now, as a runtime may have the first bytes of the body before it tells of the head.
    this.#stream.on("data", (piece) => this.onBody(piece)).on("end", () => {
      // A stream that was reset ends, too.
      if (this.#stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) return this.#fail(CLOSED);
      this.#isComplete = true;
      this.onComplete();
    });
  }

  #fail(error: Error): void {
    if (this.stopped || this.#isComplete) return;
    const during = this.head === null ? "head" : "body";
    this.reject(new ExchangeFailure(classifyError(error, during)));
  }
}

const CLOSED = Object.assign(new Error("The stream was closed"), { code: "ECONNRESET" });
