import { assert, assertEquals } from "@std/assert";
import Batch from "kafkajs/src/consumer/batch.js";
import { createRequire } from "node:module";
import { registerCodecs } from "../../../kafka/kafkajs/compression/codecs.ts";
import {
  decodeFetchResponse,
  FETCH_VERSIONS,
  patchFetch,
} from "../../../kafka/kafkajs/fetch_patch.ts";

const ABORT_MARKER = Buffer.from([0, 0, 0, 0]);
const TRANSACTIONAL = 0x10, CONTROL = 0x20;

/** As kafkajs itself loads them. */
const require = createRequire(import.meta.url);
const fetches = require("kafkajs/src/protocol/requests/fetch/index.js");
const crc32C: (bytes: Uint8Array) => number = require(
  "kafkajs/src/protocol/recordBatch/crc32C/index.js",
);
const responseOf = (version: number) => fetches.protocol({ version })({ topics: [] }).response;
/** kafkajs's own, before any patch. */
const own = new Map(FETCH_VERSIONS.map((version) => [version, responseOf(version).decode]));

function int(bytes: 1 | 2 | 4 | 8, value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer.subarray(8 - bytes);
}

/** A record whose parts are short enough for lengths of one byte. */
function record(key: Uint8Array | null, value: string): Buffer {
  const field = (bytes: Uint8Array | null) =>
    bytes ? [Buffer.from([2 * bytes.length]), bytes] : [Buffer.from([1])];
  const body = Buffer.concat([
    Buffer.alloc(3), // attributes, timestamp, offset: all of a batch have its first
    ...field(key),
    ...field(Buffer.from(value)),
    Buffer.alloc(1), // no headers
  ]);
  return Buffer.concat([Buffer.from([2 * body.length]), body]);
}

function recordBatch(
  offset: number,
  records: readonly Uint8Array[],
  { producerId = -1, attributes = 0 } = {},
): Buffer {
  const summed = Buffer.concat([
    ...[int(2, attributes), int(4, records.length - 1), int(8, 1), int(8, 2)],
    ...[int(8, producerId), int(2, 0), int(4, 0), int(4, records.length)],
    ...records,
  ]);
  // The leader's epoch, magic and the checksum.
  const body = [int(4, 0), int(1, 2), int(4, crc32C(summed)), summed];
  return Buffer.concat([int(8, offset), int(4, summed.length + 9), ...body]);
}

function fetchResponse(
  version: number,
  batches: readonly Buffer[],
  aborted: readonly [producerId: number, firstOffset: number][] = [],
): Buffer {
  const records = Buffer.concat(batches);
  return Buffer.concat([
    int(4, 7), // throttle time
    ...(version >= 7 ? [int(2, 0), int(4, 9)] : []),
    ...[int(4, 1), int(2, 1), Buffer.from("t"), int(4, 1)],
    ...[int(4, 3), int(2, 0), int(8, 1_000), int(8, 999)],
    ...(version >= 5 ? [int(8, 5)] : []),
    ...[int(4, aborted.length), ...aborted.flatMap((pair) => pair.map((value) => int(8, value)))],
    ...(version >= 11 ? [int(4, -1)] : []),
    ...[int(4, records.length), records],
  ]);
}

/** The offsets that a consumer is given of a response, and where it goes on after them. */
async function consumed(raw: Buffer, fetchedOffset: number) {
  const { responses: [topic] } = await decodeFetchResponse(11, raw);
  const batch = new Batch("t", String(fetchedOffset), topic!.partitions[0]!);
  return {
    offsets: batch.messages.map(({ offset }: { offset: string }) => Number(offset)),
    last: Number(batch.lastOffset()),
  };
}

for (const version of FETCH_VERSIONS) {
  Deno.test(`decodeFetchResponse() gives what kafkajs's own gives, version ${version}`, async () => {
    const whole = recordBatch(100, [record(Buffer.from("k"), "v"), record(null, "w")]);
    const cut = recordBatch(102, [record(null, "x".repeat(60))]).subarray(0, 100);
    for (const batches of [[], [whole], [whole, cut]]) {
      const raw = fetchResponse(version, batches);
      const decoded = await decodeFetchResponse(version, raw);
      assertEquals(decoded, await own.get(version)!(raw));
      assertEquals(
        decoded.responses[0]!.partitions[0]!.messages.length,
        batches.length > 0 ? 2 : 0,
      );
    }
  });
}

Deno.test("decodeFetchResponse() takes a batch of any number of records", async () => {
  const many = new Array<Buffer>(200_000).fill(record(null, ""));
  const raw = fetchResponse(11, [recordBatch(0, many)]);
  const { responses: [topic] } = await decodeFetchResponse(11, raw);
  assertEquals(topic!.partitions[0]!.messages.length, many.length);
});

const of = (producerId: number) => ({ producerId, attributes: TRANSACTIONAL });
const data = (offset: number, producerId: number) =>
  recordBatch(offset, [record(null, "v")], of(producerId));
const marker = (offset: number, producerId: number, key: Uint8Array) =>
  recordBatch(offset, [record(key, "")], { producerId, attributes: TRANSACTIONAL | CONTROL });

Deno.test("decodeFetchResponse() hides several aborted transactions that began before", async () => {
  const batches = [data(100, 2), data(101, 1), data(102, 2), data(103, 3)];
  const raw = fetchResponse(11, batches, [[1, 90], [2, 91]]);
  assertEquals(await consumed(raw, 100), { offsets: [103], last: 103 });
});

Deno.test("decodeFetchResponse() does not need the aborted transactions in order", async () => {
  const raw = fetchResponse(11, [data(100, 1), data(101, 2), data(102, 3)], [[2, 101], [1, 100]]);
  assertEquals(await consumed(raw, 100), { offsets: [102], last: 102 });
});

Deno.test("decodeFetchResponse() gives what a producer commits after an abort", async () => {
  const committed = Buffer.from([0, 0, 0, 1]);
  const batches = [
    ...[data(100, 1), marker(101, 1, ABORT_MARKER), data(102, 1), marker(103, 1, committed)],
    ...[data(104, 1), marker(105, 1, ABORT_MARKER)],
  ];
  const raw = fetchResponse(11, batches, [[1, 104], [1, 100]]);
  assertEquals(await consumed(raw, 100), { offsets: [102], last: 105 });
});

Deno.test("decodeFetchResponse() takes no message's key for the end of a transaction", async () => {
  const batches = [recordBatch(100, [record(ABORT_MARKER, "v")], of(1)), data(101, 1)];
  const raw = fetchResponse(11, batches, [[1, 100]]);
  assertEquals(await consumed(raw, 100), { offsets: [], last: 101 });
});

Deno.test("decodeFetchResponse() leaves messages outside transactions alone", async () => {
  const plain = recordBatch(101, [record(null, "v")], { producerId: 1 });
  const raw = fetchResponse(11, [data(100, 1), plain], [[1, 100]]);
  assertEquals(await consumed(raw, 100), { offsets: [101], last: 101 });
});

const ZSTD = 4;
const undecodable = recordBatch(101, [record(null, "v"), record(null, "w")], { attributes: ZSTD });

Deno.test("decodeFetchResponse() gives a record in place of a batch that cannot be decoded", async () => {
  registerCodecs();
  const malformed = recordBatch(104, [Buffer.alloc(20, 255)]);
  const batches = [data(100, 1), undecodable, data(103, 1), malformed, data(105, 1)];
  const { responses: [topic] } = await decodeFetchResponse(11, fetchResponse(11, batches));
  const { messages } = topic!.partitions[0]!;
  assertEquals(messages.map(({ offset }) => Number(offset)), [100, 102, 103, 104, 105]);
  const [, packed, , garbled] = messages;
  assertEquals(packed!.badBatch!.firstOffset, 101n);
  assert(packed!.badBatch!.detail.startsWith("Cannot unpack a record batch (ZSTD): "));
  assertEquals([packed!.key, packed!.value, packed!.timestamp], [null, undecodable, "2"]);
  assertEquals([garbled!.badBatch!.firstOffset, garbled!.value], [104n, malformed]);
  // A consumer is given it, and goes on behind it.
  assertEquals(await consumed(fetchResponse(11, [undecodable]), 101), {
    offsets: [102],
    last: 102,
  });
  assertEquals(await consumed(fetchResponse(11, [undecodable]), 102), {
    offsets: [102],
    last: 102,
  });
});

Deno.test("decodeFetchResponse() fetches a batch again whose checksum is wrong, and gives it up when it is so twice", async () => {
  const flipped = (at: number) => {
    const batch = Buffer.from(data(101, 1));
    batch[at]! ^= 4;
    return batch;
  };
  const damaged = new Map<string, string>();
  const offsets = async (batch: Buffer) => {
    const raw = fetchResponse(11, [data(100, 1), batch, data(102, 1)]);
    const { responses: [topic] } = await decodeFetchResponse(11, raw, damaged);
    const { messages } = topic!.partitions[0]!;
    return messages.map(({ offset, badBatch }) => badBatch?.detail ?? Number(offset));
  };
  // On the way: another bit each time, and then none.
  assertEquals(await offsets(flipped(64)), [100]);
  assertEquals(await offsets(flipped(30)), [100]);
  assertEquals(await offsets(data(101, 1)), [100, 101, 102]);
  // At the broker: the same each time.
  assertEquals(await offsets(flipped(64)), [100]);
  const given = [100, "The checksum of a record batch is wrong", 102];
  assertEquals(await offsets(flipped(64)), given);
  assertEquals(await offsets(flipped(64)), given);
});

Deno.test("decodeFetchResponse() keeps the first MiB of a batch that cannot be decoded", async () => {
  registerCodecs();
  const huge = recordBatch(7, [record(null, "v"), Buffer.alloc(3_000_000, 255)], {
    attributes: ZSTD,
  });
  const { responses: [topic] } = await decodeFetchResponse(11, fetchResponse(11, [huge]));
  assertEquals(topic!.partitions[0]!.messages[0]!.value, huge.subarray(0, 1024 * 1024));
});

Deno.test("decodeFetchResponse() gives nothing of an aborted batch that cannot be decoded", async () => {
  registerCodecs();
  const batch = recordBatch(100, [record(null, "v")], {
    producerId: 1,
    attributes: ZSTD | TRANSACTIONAL,
  });
  const raw = fetchResponse(11, [batch, data(101, 2)], [[1, 100]]);
  assertEquals(await consumed(raw, 100), { offsets: [101], last: 101 });
});

Deno.test("patchFetch() replaces the decoding that kafkajs uses, at every version it has", async () => {
  patchFetch();
  const raw = (version: number) => fetchResponse(version, [data(100, 1)], [[1, 100]]);
  for (const version of FETCH_VERSIONS) {
    const { decode } = responseOf(version);
    assert(decode !== own.get(version));
    assertEquals(await decode(raw(version)), await decodeFetchResponse(version, raw(version)));
  }
  assertEquals(Math.max(...fetches.versions.map(Number)), FETCH_VERSIONS.at(-1));
});
