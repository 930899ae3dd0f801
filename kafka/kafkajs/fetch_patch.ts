/**
 * Mends how kafkajs 2.2.4 decodes fetch responses. It appends a batch's records by `push(...records)`,
 * which throws a RangeError at over some 120,000 of them, at every try: nobody reads past such a
 * batch. It lets records of aborted transactions through, see ./aborted.ts. It throws at a batch that
 * it cannot decode, so that nobody reads past that one either. And it looks at no checksum.
 */
import Decoder from "kafkajs/src/protocol/decoder.js";
import decodeMessageSet from "kafkajs/src/protocol/messageSet/decoder.js";
import fetches from "kafkajs/src/protocol/requests/fetch/index.js";
import type { Buffer } from "node:buffer";
import { type FetchedRecord, hideAborted } from "./aborted.ts";
import { crc32c } from "./crc32c.ts";
import { AT, CONTROL, decodeRecordBatch, TRANSACTIONAL } from "./record_batch.ts";

/** Those that kafkajs speaks with brokers whose record batches may have transactions. */
export const FETCH_VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11] as const;

/** Bytes that are in none of its lengths: the first offset's and the length's own. */
const BEFORE_LENGTH_BYTES = 12;
const MAGIC_OF_BATCHES = 2;

/** What is kept of a batch that cannot be decoded: by a broker's defaults, all of it. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** As it is used: its source says of the size only that it may be null. */
const decodeSet = decodeMessageSet as unknown as (
  from: unknown,
  size: number,
) => Promise<FetchedRecord[]>;

/** The part of kafkajs's Decoder that is used. */
interface Reader {
  /** Where it stands. */
  offset: number;
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readString(): string;
  readBytes(length: number): Buffer;
  canReadBytes(length: number): boolean;
  readArray<T>(read: (reader: Reader) => T): T[];
  readArrayAsync<T>(read: (reader: Reader) => Promise<T>): Promise<T[]>;
}

/** By topic and partition, the last batch whose checksum was wrong. */
type Damaged = Map<string, string>;

/** Puts the mended decoding in place; doing it again changes nothing. */
export function patchFetch(): void {
  const damaged: Damaged = new Map();
  for (const version of FETCH_VERSIONS) {
    const { response } = fetches.protocol({ version })({ topics: [] });
    response.decode = (raw: Uint8Array) => decodeFetchResponse(version, raw, damaged);
  }
}

/** What stands in for `decode` of kafkajs's protocol/requests/fetch/v4 to v11. */
export async function decodeFetchResponse(
  version: number,
  raw: Uint8Array,
  damaged: Damaged = new Map(),
) {
  const reader: Reader = new Decoder(raw);
  const throttleTime = reader.readInt32();
  return {
    // From 8 on the broker leaves the waiting to the client.
    ...(version < 8 ? { throttleTime } : { throttleTime: 0, clientSideThrottleTime: throttleTime }),
    ...(version >= 7 && { errorCode: reader.readInt16(), sessionId: reader.readInt32() }),
    responses: await reader.readArrayAsync(async (reader) => {
      const topicName = reader.readString();
      const partitions = await reader.readArrayAsync((reader) =>
        decodePartition(version, reader, topicName, damaged)
      );
      return { topicName, partitions };
    }),
  };
}

async function decodePartition(
  version: number,
  reader: Reader,
  topic: string,
  damaged: Damaged,
) {
  const head = {
    partition: reader.readInt32(),
    errorCode: reader.readInt16(),
    highWatermark: readInt64(reader),
    lastStableOffset: readInt64(reader),
    ...(version >= 5 && { lastStartOffset: readInt64(reader) }),
  };
  const aborted = reader.readArray((reader) => ({
    producerId: readInt64(reader),
    firstOffset: readInt64(reader),
  }));
  const replica = version >= 11 && { preferredReadReplica: reader.readInt32() };
  const messages = await decodeMessages(reader, `${topic} ${head.partition}`, damaged);
  hideAborted(messages, aborted);
  return { ...head, abortedTransactions: [], ...replica, messages };
}

function readInt64(reader: Reader): string {
  return reader.readInt64().toString();
}

/**
 * As kafkajs's decodeMessages, without the spread; a batch that cannot be decoded becomes one record
 * that stands for it.
 */
async function decodeMessages(
  reader: Reader,
  source: string,
  damaged: Damaged,
): Promise<FetchedRecord[]> {
  const size = reader.readInt32();
  if (size <= 0 || !reader.canReadBytes(size)) return [];
  const bytes = reader.readBytes(size);
  if (bytes[AT.magic] !== MAGIC_OF_BATCHES) return await decodeSet(new Decoder(bytes), size);
  const records: FetchedRecord[] = [];
  for (let start = 0, end; start + AT.records <= bytes.length; start = end) {
    end = start + BEFORE_LENGTH_BYTES + bytes.readInt32BE(start + AT.length);
    // The last batch may be cut where the fetch's limit of bytes was.
    if (end > bytes.length || end < start + AT.records) break;
    const batch = bytes.subarray(start, end);
    const checksum = crc32c(batch.subarray(AT.attributes));
    if (checksum !== batch.readUInt32BE(AT.checksum)) {
      // Fetched again first, as it may have been damaged on the way; at the broker it is so each time.
      const found = `${batch.readBigInt64BE(AT.firstOffset)} ${checksum}`;
      if (damaged.get(source) !== found) {
        damaged.set(source, found);
        break;
      }
      records.push(inPlaceOf(batch, new Error("The checksum of a record batch is wrong")));
      continue;
    }
    try {
      for (const one of await decodeRecordBatch(batch)) records.push(one);
    } catch (error) {
      records.push(inPlaceOf(batch, error as Error));
    }
  }
  return records;
}

/** Its offset is the batch's last one, so that reading goes on behind it. */
function inPlaceOf(batch: Buffer, { message }: Error): FetchedRecord {
  const firstOffset = batch.readBigInt64BE(AT.firstOffset);
  const lastOffset = firstOffset + BigInt(batch.readInt32BE(AT.lastOffsetDelta));
  const attributes = batch.readInt16BE(AT.attributes);
  return {
    offset: String(lastOffset),
    timestamp: String(batch.readBigInt64BE(AT.maxTimestamp)),
    key: null,
    value: batch.subarray(0, MAX_KEPT_BYTES),
    badBatch: { firstOffset, detail: message },
    isControlRecord: (attributes & CONTROL) !== 0,
    batchContext: {
      producerId: String(batch.readBigInt64BE(AT.producerId)),
      inTransaction: (attributes & TRANSACTIONAL) !== 0,
    },
  };
}
