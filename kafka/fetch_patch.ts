/**
 * Mends how kafkajs 2.2.4 decodes fetch responses. It appends a batch's records by `push(...records)`,
 * which throws a RangeError at over some 120,000 of them, at every try: nobody reads past such a
 * batch. And it lets records of aborted transactions through, see kafka/aborted.ts.
 */
import Decoder from "kafkajs/src/protocol/decoder.js";
import decodeMessageSet from "kafkajs/src/protocol/messageSet/decoder.js";
import decodeRecordBatch from "kafkajs/src/protocol/recordBatch/v0/decoder.js";
import fetches from "kafkajs/src/protocol/requests/fetch/index.js";
import { type FetchedRecord, hideAborted } from "./aborted.ts";

/** Those that kafkajs speaks with brokers whose record batches may have transactions. */
export const FETCH_VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11] as const;

/** As in kafkajs. */
const MAGIC_OFFSET = 16, MAGIC_OF_BATCHES = 2, BATCH_OVERHEAD = 49;

/** The part of kafkajs's Decoder that is used. */
interface Reader {
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readString(): string;
  readBytes(length: number): Uint8Array;
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
    responses: await reader.readArrayAsync(async (reader) => ({
      topicName: reader.readString(),
      partitions: await reader.readArrayAsync((reader) => decodePartition(version, reader)),
    })),
  };
}

async function decodePartition(version: number, reader: Reader) {
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
  const messages = await decodeMessages(reader);
  hideAborted(messages, aborted);
  return { ...head, abortedTransactions: [], ...replica, messages };
}

function readInt64(reader: Reader): string {
  return reader.readInt64().toString();
}

/** As kafkajs's decodeMessages, without the spread. */
async function decodeMessages(reader: Reader): Promise<FetchedRecord[]> {
  const size = reader.readInt32();
  if (size <= 0 || !reader.canReadBytes(size)) return [];
  const bytes = reader.readBytes(size);
  const batches: Reader = new Decoder(bytes);
  if (bytes[MAGIC_OFFSET] !== MAGIC_OF_BATCHES) return await decodeMessageSet(batches, size);
  const records: FetchedRecord[] = [];
  while (batches.canReadBytes(BATCH_OVERHEAD)) {
    try {
      for (const record of (await decodeRecordBatch(batches)).records) records.push(record);
    } catch (error) {
      // The last batch may be cut where the fetch's limit of bytes was.
      if ((error as Error).name === "KafkaJSPartialMessageError") break;
      throw error;
    }
  }
  return records;
}
