/**
 * Mends how kafkajs 2.2.4 encodes produce requests: each number goes through an array and a buffer of
 * its own, times through BigInts, each record through five buffers; 20 us a result. Here all of a
 * request is written once, into one encoder: 3 us.
 */
import Encoder from "kafkajs/src/protocol/encoder.js";
import compression from "kafkajs/src/protocol/message/compression/index.js";
import produces from "kafkajs/src/protocol/requests/produce/index.js";
import { Buffer } from "node:buffer";
import { crc32c } from "./crc32c.ts";
import { AT, TRANSACTIONAL } from "./record_batch.ts";

/** Those before it have no record batches. */
const FIRST_VERSION = 3;

type Bytes = string | Buffer | null | undefined;

/** A message as kafkajs's producer takes it. */
export interface ProducedMessage {
  key?: Bytes;
  value: Bytes;
  /** Milliseconds since 1970. @default now */
  timestamp?: string | number;
  headers?: Record<string, Bytes | Bytes[]>;
}

interface Produced {
  acks: number;
  timeout: number;
  transactionalId?: string | null;
  producerId?: unknown;
  producerEpoch?: number;
  compression?: number;
  topicData: readonly {
    topic: string;
    partitions: readonly {
      partition: number;
      firstSequence?: number;
      messages: readonly ProducedMessage[];
    }[];
  }[];
}

/** The part of kafkajs's Encoder that is used. */
interface Writer {
  buf: Buffer;
  offset: number;
  ensureAvailable(length: number): void;
  writeInt8(value: number): Writer;
  writeInt16(value: number): Writer;
  writeInt32(value: number): Writer;
  writeInt64(value: unknown): Writer;
  writeString(value: string | null): Writer;
}

/** The first size of the buffer; it is doubled as needed. */
const FIRST_BYTES = 16 * 1024 - 1;
const MAGIC_OF_BATCHES = 2;
/** What a number takes at most. */
const MAX_VARINT_BYTES = 8;

const kafkajsProtocol = produces.protocol;

/** Puts the mended encoding in place; doing it again changes nothing. */
export function patchProduce(): void {
  produces.protocol = protocol;
}

/** What stands in for `protocol` of kafkajs's protocol/requests/produce. */
function protocol(of: { version: number }) {
  const kafkajsProduce = kafkajsProtocol(of);
  if (of.version < FIRST_VERSION) return kafkajsProduce;
  return (produced: Produced) => {
    const { request, response } = kafkajsProduce(produced);
    return { request: { ...request, encode: () => encodeProduce(produced) }, response };
  };
}

/** What stands in for `encode` of kafkajs's protocol/requests/produce/v3 to v7. */
export async function encodeProduce(produced: Produced): Promise<Writer> {
  const to: Writer = new Encoder(FIRST_BYTES);
  to.writeString(produced.transactionalId ?? null);
  to.writeInt16(produced.acks).writeInt32(produced.timeout).writeInt32(produced.topicData.length);
  for (const { topic, partitions } of produced.topicData) {
    to.writeString(topic).writeInt32(partitions.length);
    for (const { partition, messages, firstSequence = 0 } of partitions) {
      to.writeInt32(partition).writeInt32(0);
      const start = to.offset;
      await writeBatch(to, messages, firstSequence, produced);
      to.buf.writeInt32BE(to.offset - start, start - 4);
    }
  }
  return to;
}

async function writeBatch(
  to: Writer,
  messages: readonly ProducedMessage[],
  firstSequence: number,
  { transactionalId, producerId = -1, producerEpoch = 0, compression: type = 0 }: Produced,
): Promise<void> {
  const now = Date.now();
  const times = messages.map(({ timestamp }) => Number(timestamp || now));
  const [first, last] = [times.reduce(lesser), times.reduce(greater)];
  const start = to.offset;
  // The first offset is the broker's to give; length and checksum follow.
  to.writeInt64(0).writeInt32(0).writeInt32(0).writeInt8(MAGIC_OF_BATCHES).writeInt32(0)
    .writeInt16(type | (transactionalId ? TRANSACTIONAL : 0)).writeInt32(messages.length - 1)
    .writeInt64(first).writeInt64(last).writeInt64(producerId).writeInt16(producerEpoch)
    .writeInt32(firstSequence).writeInt32(messages.length);
  const codec = compression.lookupCodec(type);
  const records: Writer = codec ? new Encoder(FIRST_BYTES) : to;
  for (const [n, message] of messages.entries()) {
    writeRecord(records, message, times[n]! - first, n);
  }
  if (codec) writeBytes(to, await codec.compress(records));
  to.buf.writeInt32BE(to.offset - start - AT.leaderEpoch, start + AT.length);
  const checksum = crc32c(to.buf.subarray(start + AT.attributes, to.offset));
  to.buf.writeUInt32BE(checksum, start + AT.checksum);
}

function writeRecord(
  to: Writer,
  { key, value, headers = {} }: ProducedMessage,
  timeDelta: number,
  offsetDelta: number,
): void {
  const own = [key, value];
  const ofHeaders = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().flatMap((value): Bytes[] => [name, value])
  );
  const count = ofHeaders.length / 2;
  const size = 1 + sizeOf(timeDelta) + sizeOf(offsetDelta) + sizeOf(count) +
    [...own, ...ofHeaders].reduce((sum, field) => sum + sizeOfField(field), 0);
  writeVarint(to, size);
  to.writeInt8(0); // no attributes
  writeVarint(to, timeDelta);
  writeVarint(to, offsetDelta);
  for (const field of own) writeField(to, field);
  writeVarint(to, count);
  for (const field of ofHeaders) writeField(to, field);
}

/** With its length before it; -1 where there is none. */
function writeField(to: Writer, field: Bytes): void {
  writeVarint(to, lengthOf(field));
  if (field) writeBytes(to, field);
}

function sizeOfField(field: Bytes): number {
  const length = lengthOf(field);
  return sizeOf(length) + Math.max(0, length);
}

function lengthOf(field: Bytes): number {
  return field === null || field === undefined ? -1 : Buffer.byteLength(field);
}

function writeBytes(to: Writer, bytes: string | Buffer): void {
  to.ensureAvailable(Buffer.byteLength(bytes));
  to.offset += typeof bytes === "string"
    ? to.buf.write(bytes, to.offset)
    : bytes.copy(to.buf, to.offset);
}

function writeVarint(to: Writer, value: number): void {
  to.ensureAvailable(MAX_VARINT_BYTES);
  let left = zigzag(value);
  for (; left >= 128; left = Math.floor(left / 128)) to.buf[to.offset++] = left % 128 | 128;
  to.buf[to.offset++] = left;
}

function sizeOf(value: number): number {
  let size = 1;
  for (let left = zigzag(value); left >= 128; left = Math.floor(left / 128)) size++;
  return size;
}

/** 0, -1, 1, -2, ... become 0, 1, 2, 3, ... */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function lesser(a: number, b: number): number {
  return Math.min(a, b);
}

function greater(a: number, b: number): number {
  return Math.max(a, b);
}
