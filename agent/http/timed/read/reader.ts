import type { Allowance } from "../../../condition/allowance.ts";
import { BodyBuffer } from "../../body_buffer.ts";
import { classifyError } from "../../classify.ts";
import { ExchangeFailure } from "../../errors.ts";
import type { ResponseHead } from "../../types.ts";
import { createDecoder, type Decoder, type DecoderListener } from "./decode.ts";
import type { ResponseListener } from "./response_parser.ts";

/** What a reader is told of the request. */
export interface ReaderOptions {
  readBodyBytes: number;
  allowance?: Allowance;
  /** What to do with the body; see ResponseListener. */
  bodyOf(head: ResponseHead): ReturnType<ResponseListener["onHead"]>;
  onFirstByte?(): void;
  /** The last byte that is wanted came; it may not be decoded yet. */
  onLastByte?(): void;
}

/**
 * Reads one response: decodes its body, cuts it. What was read before a failure stays readable. Nothing
 * of the site's making gets out of here except by `reject`. How the bytes come is for those to say who
 * extend it, one for each version of HTTP.
 */
export abstract class Reader implements DecoderListener {
  head: ResponseHead | null = null;
  /** Whether any byte came at all. */
  started = false;
  protected stopped = false;
  protected isDecoderFull = false;
  protected readonly options: ReaderOptions;
  readonly #body: BodyBuffer;
  #decoder: Decoder | null = null;
  protected resolve: () => void = () => {};
  protected reject: (failure: ExchangeFailure) => void = () => {};

  constructor(options: ReaderOptions) {
    this.options = options;
    this.#body = new BodyBuffer(options.readBodyBytes, options.allowance);
  }

  get body(): Uint8Array {
    return this.#body.bytes();
  }

  get truncated(): boolean {
    return this.#body.truncated;
  }

  /** Whether the connection may serve another request. */
  abstract get reusable(): boolean;

  /** A step of `Steps.run`. */
  start(resolve: () => void, reject: (failure: ExchangeFailure) => void): () => void {
    this.resolve = resolve;
    this.reject = reject;
    const letGo = this.listen();
    return () => {
      this.stopped = true;
      letGo();
      this.#decoder?.destroy();
    };
  }

  /** Begins to read; gives what ends it. */
  protected abstract listen(): () => void;
  /** Lets no more bytes come until `resume`. */
  protected abstract pause(): void;
  protected abstract resume(): void;

  onHead(head: ResponseHead): ReturnType<ResponseListener["onHead"]> {
    this.head = head;
    const wanted = this.options.bodyOf(head);
    const encodings = head.headers.filter(([name]) => name === "content-encoding");
    if (wanted === "read" && encodings.length > 0) {
      this.#decoder = createDecoder(encodings.map(([, value]) => value).join(","), this);
    }
    return wanted;
  }

  onBody(piece: Uint8Array): void {
    if (this.stopped) return;
    if (this.#decoder === null) this.onData(piece);
    else if (!this.#decoder.write(piece)) {
      this.isDecoderFull = true;
      this.pause();
    }
  }

  onComplete(): void {
    if (this.stopped) return;
    this.options.onLastByte?.();
    if (this.#decoder === null) this.resolve();
    else this.#decoder.end();
  }

  onData(piece: Uint8Array): void {
    if (this.stopped) return;
    try {
      if (this.#body.add(piece)) return;
    } catch (error) {
      return this.reject(new ExchangeFailure(classifyError(error)));
    }
    this.options.onLastByte?.();
    this.resolve();
  }

  onDrain(): void {
    this.isDecoderFull = false;
    if (!this.stopped) this.resume();
  }

  onEnd(): void {
    this.resolve();
  }

  onError(cause: ExchangeFailure): void {
    this.reject(cause);
  }

  protected firstByte(): void {
    if (this.started) return;
    this.started = true;
    this.options.onFirstByte?.();
  }
}
