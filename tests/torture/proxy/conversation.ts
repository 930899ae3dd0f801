/** What the proxy makes out of the bytes that pass, without holding them up or changing them. */
import { Buffer } from "node:buffer";

/** Enough of a message to tell what it is. */
const HEAD_BYTES = 512;
/** In the statement that stores a batch; its values come behind it, and COMMIT behind them. */
const STORES = "httpmon_store(";
const PRODUCE = 0;
/** A statement. */
const PARSE = 0x50;
/** PostgreSQL's first message: its length, then one of these. Kafka's have an API's key there. */
const STARTUP_3_0 = 0x0003_0000;
const STARTUP_3_2 = 0x0003_0002;
const SSL_REQUEST = 80877103;

/** The heads of messages in a stream of bytes, however it is cut into chunks. */
class Messages {
  readonly #lengthOf: (head: Buffer) => number | null;
  /** What is there of the head under way. */
  #head = Buffer.alloc(0);
  /** The whole length of the message under way, once it can be told. */
  #length: number | null = null;
  /** Bytes of the message under way that are yet to come, past its head. */
  #rest = 0;

  /** @param lengthOf The whole length of the message that begins so; null: too little of it yet */
  constructor(lengthOf: (head: Buffer) => number | null) {
    this.#lengthOf = lengthOf;
  }

  /** Takes the next bytes, and gives the heads that are complete with them. */
  take(chunk: Buffer): Buffer[] {
    const heads: Buffer[] = [];
    while (chunk.length > 0) {
      if (this.#rest > 0) {
        const skipped = Math.min(this.#rest, chunk.length);
        this.#rest -= skipped;
        chunk = chunk.subarray(skipped);
        continue;
      }
      const before = this.#head.length;
      const seen = Buffer.concat([this.#head, chunk.subarray(0, HEAD_BYTES - before)]);
      this.#length ??= this.#lengthOf(seen);
      const wanted = Math.min(this.#length ?? Infinity, HEAD_BYTES);
      if (this.#length === null || seen.length < wanted) {
        this.#head = seen;
        break;
      }
      heads.push(seen.subarray(0, wanted));
      this.#head = Buffer.alloc(0);
      this.#rest = this.#length - wanted;
      this.#length = null;
      chunk = chunk.subarray(wanted - before);
    }
    return heads;
  }
}

/** A size, and after it at least the four bytes of an API's key and version or a correlation id. */
function kafkaLength(head: Buffer): number | null {
  return head.length < 8 ? null : 4 + Math.max(4, head.readInt32BE(0));
}

/** A connection's two streams, of Kafka's protocol or PostgreSQL's: its first bytes tell which. */
export class Conversation {
  #kafka: boolean | null = null;
  /** PostgreSQL's first message, which has no type before its length, was sent. */
  #started = false;
  readonly #requests = new Messages((head) => this.#requestLength(head));
  readonly #replies = new Messages(kafkaLength);
  /** Correlation ids of the Produce requests that are not answered. */
  readonly #produced = new Set<number>();

  /** Takes what the client sent. @returns The batches to be stored whose beginning is complete with it */
  sent(chunk: Buffer): number {
    let batches = 0;
    for (const head of this.#requests.take(chunk)) {
      if (!this.#kafka) {
        if (head[0] === PARSE && head.includes(STORES)) batches++;
      } else if (head.length >= 12 && head.readInt16BE(4) === PRODUCE) {
        this.#produced.add(head.readInt32BE(8));
      }
    }
    return batches;
  }

  /** Takes what the server answered. @returns The acknowledgements of Produce that begin in it */
  answered(chunk: Buffer): number {
    if (!this.#kafka) return 0;
    return this.#replies.take(chunk).filter((head) => this.#produced.delete(head.readInt32BE(4)))
      .length;
  }

  #requestLength(head: Buffer): number | null {
    if (this.#started) return head.length < 5 ? null : 1 + Math.max(4, head.readInt32BE(1));
    if (head.length < 8) return null;
    this.#kafka ??= ![STARTUP_3_0, STARTUP_3_2, SSL_REQUEST].includes(head.readInt32BE(4));
    if (this.#kafka) return kafkaLength(head);
    this.#started = head.readInt32BE(4) !== SSL_REQUEST;
    return Math.max(8, head.readInt32BE(0));
  }
}
