import http2, { type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { classifyError } from "../classify.ts";
import { ExchangeFailure, failure } from "../failure.ts";
import type { ResponseHead } from "../types.ts";
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
  // Stays for its life: an error with nobody to hear it would end the process. Streams tell of it, too.
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

  protected listen(): () => void {
    const stream = this.#stream;
    let sessionError: Error | null = null;
    const onSessionError = (error: Error) => sessionError = error;
    this.#session.on("error", onSessionError);
    stream.on("response", (_headers, _flags, raw) => this.#takeHead(raw as unknown as string[]));
    // Stays for the stream's life; see the session's.
    stream.on("error", (error) => this.reject(this.#failure(sessionError ?? error)));
    stream.on("close", () => this.reject(this.#failure(sessionError)));
    return () => {
      this.#session.off("error", onSessionError);
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
    const wanted = this.#guard(() => this.onHead(head));
    if (wanted === undefined) return;
    if (wanted !== "read") return this.onComplete();
    // Only now, as a runtime may have the first bytes of the body before it tells of the head.
    this.#stream.on("data", (piece) => this.onBody(piece)).on("end", () => {
      this.#isComplete = true;
      this.onComplete();
    });
  }

  #guard<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.reject(error instanceof ExchangeFailure ? error : failure("not_made", `${error}`));
      return undefined;
    }
  }

  /** A stream or a session that ends before its time; by a code of HTTP/2 it says why. */
  #failure(error: Error | null): ExchangeFailure {
    const { class: found, message } = classifyError(
      error ?? Object.assign(new Error("The stream was closed"), { code: "ECONNRESET" }),
      this.head === null ? "head" : "body",
    );
    return new ExchangeFailure({ class: found, message });
  }
}
