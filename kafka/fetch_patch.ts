/**
 * Mends how kafkajs 2.2.4 decodes fetch responses. It appends a batch's records by `push(...records)`,
 * which throws a RangeError at over some 120,000 of them, at every try: nobody reads past such a
 * batch. It lets records of aborted transactions through, see kafka/aborted.ts. And of a batch that
 * it cannot decode it does not say where it is.
 */
import Decoder from "kafkajs/src/protocol/decoder.js";
import decodeMessageSet from "kafkajs/src/protocol/messageSet/decoder.js";
import decodeRecordBatch from "kafkajs/src/protocol/recordBatch/v0/decoder.js";
import fetches from "kafkajs/src/protocol/requests/fetch/index.js";
import type { Buffer } from "node:buffer";
import { type FetchedRecord, hideAborted } from "./aborted.ts";
import { CodecError } from "./errors.ts";

/** Those that kafkajs speaks with brokers whose record batches may have transactions. */
export const FETCH_VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11] as const;

/** As in kafkajs. */
const MAGIC_OFFSET = 16, MAGIC_OF_BATCHES = 2, BATCH_OVERHEAD = 49;
/** Of a batch: what its last offset is more than its first. */
const LAST_OFFSET_DELTA_OFFSET = 23;

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

/** Puts the mended decoding in place; doing it again changes nothing. */
export function patchFetch(): void {
  for (const version of FETCH_VERSIONS) {
    const { response } = fetches.protocol({ version })({ topics: [] });
    response.decode = (raw: Uint8Array) => decodeFetchResponse(version, raw);
  }
}

/** What stands in for `decode` of kafkajs's protocol/requests/fetch/v4 to v11. */
export async function decodeFetchResponse(version: number, raw: Uint8Array) {
  const reader: Reader = new Decoder(raw);
  const throttleTime = reader.readInt32();
  return {
    // From 8 on the broker leaves the waiting to the client.
    ...(version < 8 ? { throttleTime } : { throttleTime: 0, clientSideThrottleTime: throttleTime }),
    ...(version >= 7 && { errorCode: reader.readInt16(), sessionId: reader.readInt32() }),
    responses: await reader.readArrayAsync(async (reader) => {
      const topicName = reader.readString();
      const partitions = await reader.readArrayAsync((reader) =>
        decodePartition(version, topicName, reader)
      );
      return { topicName, partitions };
    }),
  };
}

async function decodePartition(version: number, topic: string, reader: Reader) {
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
  const messages = await decodeMessages(reader, `Topic "${topic}", partition ${head.partition}`);
  hideAborted(messages, aborted);
  return { ...head, abortedTransactions: [], ...replica, messages };
}

function readInt64(reader: Reader): string {
  return reader.readInt64().toString();
}

/**
 * As kafkajs's decodeMessages, without the spread. What is before a batch that cannot be decoded is
 * given; the next fetch then begins with that batch.
 */
async function decodeMessages(reader: Reader, place: string): Promise<FetchedRecord[]> {
  const size = reader.readInt32();
  if (size <= 0 || !reader.canReadBytes(size)) return [];
  const bytes = reader.readBytes(size);
  const batches: Reader = new Decoder(bytes);
  if (bytes[MAGIC_OFFSET] !== MAGIC_OF_BATCHES) return await decodeMessageSet(batches, size);
  const records: FetchedRecord[] = [];
  while (batches.canReadBytes(BATCH_OVERHEAD)) {
    const start = batches.offset;
    try {
      for (const record of (await decodeRecordBatch(batches)).records) records.push(record);
    } catch (error) {
      // The last batch may be cut where the fetch's limit of bytes was.
      if ((error as Error).name === "KafkaJSPartialMessageError" || records.length > 0) break;
      const first = bytes.readBigInt64BE(start);
      const last = first + BigInt(bytes.readInt32BE(start + LAST_OFFSET_DELTA_OFFSET));
      const why = (error as Error).message;
      throw new CodecError(`${place}, offsets ${first} to ${last}: ${why}`, { cause: error });
    }
  }
  return records;
}
