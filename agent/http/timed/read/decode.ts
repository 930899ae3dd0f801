import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { type ExchangeFailure, failure } from "../../errors.ts";

/** Encodings on top of each other; more are an attack. */
const MAX_STAGES = 3;
/** Window of a zstd frame, as an exponent of 2: 8 MiB, which RFC 8878 says a decoder should have. */
const ZSTD_WINDOW_LOG_MAX = 23;
/** What is decoded between two looks at the cap and at other work. */
const SLICE = 64 * 1024;

/** zstd came to Node in 22.15; the types of an older one lack it. */
const zstd = zlib as unknown as {
  createZstdDecompress?: (options: object) => Transform;
  constants: { ZSTD_d_windowLogMax?: number };
};

/** What this runtime decodes, for Accept-Encoding. */
export const ACCEPT_ENCODING: string = zstd.createZstdDecompress
  ? "gzip, deflate, br, zstd"
  : "gzip, deflate, br";

/** Told of what was decoded. */
export interface DecoderListener {
  onData(piece: Uint8Array): void;
  onDrain(): void;
  onEnd(): void;
  onError(failure: ExchangeFailure): void;
}

/**
 * A decoder for a Content-Encoding, or null where the body is as it is: none, "identity", and any
 * that this runtime does not know.
 *
 * @throws ExchangeFailure `bad_encoding` for more than three on top of each other
 */
export function createDecoder(contentEncoding: string, listener: DecoderListener): Decoder | null {
  const names = contentEncoding.toLowerCase().split(",").map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity");
  if (names.length === 0) return null;
  if (names.length > MAX_STAGES) throw failure("bad_encoding", `More than ${MAX_STAGES} at once`);
  // The last one named was applied last.
  const makers = names.reverse().map(stageMaker);
  if (makers.includes(null)) return null;
  return new Decoder(makers as StageMaker[], listener);
}

/** What the first byte of zlib's format ends in. */
const ZLIB = 8;

/** Makes a stage when the body's first byte is known; of what is decoded on the way it is taken to be fine. */
type StageMaker = (firstByte: number) => Transform;

function stageMaker(name: string): StageMaker | null {
  switch (name) {
    case "gzip":
    case "x-gzip":
      return () => zlib.createGunzip({ chunkSize: SLICE });
    case "deflate":
      // Meant is zlib's format (RFC 9110, 8.4.1.2), but raw deflate is about as common. zlib's first
      // byte ends in 8; a raw stream that begins so would be a stored block with odd padding.
      return (firstByte) =>
        (firstByte & 0x0f) === ZLIB
          ? zlib.createInflate({ chunkSize: SLICE })
          : zlib.createInflateRaw({ chunkSize: SLICE });
    case "br":
      return () => zlib.createBrotliDecompress({ chunkSize: SLICE });
    case "zstd":
      if (!zstd.createZstdDecompress) return null;
      return () =>
        zstd.createZstdDecompress!({
          chunkSize: SLICE,
          params: { [zstd.constants.ZSTD_d_windowLogMax!]: ZSTD_WINDOW_LOG_MAX },
        });
    default:
      return null;
  }
}

/** Decodes a body as it comes. Each piece is decoded in slices, off the event loop in Node. */
export class Decoder {
  #stages: readonly Transform[] = [];
  readonly #makers: readonly StageMaker[];
  readonly #listener: DecoderListener;

  constructor(makers: readonly StageMaker[], listener: DecoderListener) {
    this.#makers = makers;
    this.#listener = listener;
  }

  /** Takes a piece; returns false when no more should come until `onDrain`. */
  write(piece: Uint8Array): boolean {
    if (this.#stages.length === 0 && piece.length > 0) this.#start(piece[0]!);
    return this.#stages[0]?.write(piece) ?? true;
  }

  /** All of the body came. */
  end(): void {
    // A body of no bytes is the same in every encoding: HEAD, or a length of 0.
    if (this.#stages[0]) this.#stages[0].end();
    else this.#listener.onEnd();
  }

  /** Lets go of everything. Needed always, once. */
  destroy(): void {
    for (const stage of this.#stages) stage.destroy();
  }

  #start(firstByte: number): void {
    const listener = this.#listener;
    this.#stages = this.#makers.map((make, i) => make(i === 0 ? firstByte : ZLIB));
    const last = this.#stages.reduce((stage, next) => stage.pipe(next));
    for (const stage of this.#stages) {
      stage.on("error", ({ message }) => listener.onError(failure("bad_encoding", message)));
    }
    this.#stages[0]!.on("drain", () => listener.onDrain());
    last.on("data", (piece) => listener.onData(piece)).on("end", () => listener.onEnd());
  }
}
