import { assertEquals, assertRejects } from "@std/assert";
import Decoder from "kafkajs/src/protocol/decoder.js";
import own from "kafkajs/src/protocol/recordBatch/v0/decoder.js";
import { AT, decodeRecordBatch, LOG_APPEND_TIME } from "../../../kafka/kafkajs/record_batch.ts";

/** Zigzag, seven bits a byte. */
function varint(value: bigint | number): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value) << 1n ^ BigInt(value) >> 63n);
  do {
    bytes.push(Number(left & 127n) | (left > 127n ? 128 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}

const bytes = (text: string | null) =>
  text === null ? varint(-1) : Buffer.concat([varint(Buffer.byteLength(text)), Buffer.from(text)]);

interface Record {
  time?: bigint | number;
  offset?: number;
  key?: string | null;
  value?: string | null;
  headers?: [string, string | null][];
}

function record(
  { time = 0, offset = 0, key = null, value = null, headers = [] }: Record,
): Buffer {
  const body = Buffer.concat([
    ...[Buffer.from([255]), varint(time), varint(offset), bytes(key), bytes(value)],
    varint(headers.length),
    ...headers.flatMap(([name, value]) => [bytes(name), bytes(value)]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

function batchOf(records: readonly Record[], attributes = 0): Buffer {
  const head = Buffer.alloc(AT.records);
  head.writeBigInt64BE(12_345_678_901n, AT.firstOffset);
  head.writeInt8(2, AT.magic);
  head.writeInt16BE(attributes, AT.attributes);
  head.writeInt32BE(records.length - 1, AT.lastOffsetDelta);
  head.writeBigInt64BE(1_790_000_000_000n, AT.firstTimestamp);
  head.writeBigInt64BE(1_790_000_009_999n, AT.maxTimestamp);
  head.writeBigInt64BE(-1n, AT.producerId);
  head.writeInt16BE(-1, AT.producerEpoch);
  head.writeInt32BE(-1, AT.firstSequence);
  head.writeInt32BE(records.length, AT.count);
  const batch = Buffer.concat([head, ...records.map(record)]);
  batch.writeInt32BE(batch.length - AT.leaderEpoch, AT.length);
  return batch;
}

const RECORDS: Record[] = [
  {},
  { time: 3, offset: 1, key: "k", value: "v" },
  { time: -7, offset: 2, key: "", value: "ü".repeat(5_000) },
  { time: 1_790_000_000_000n, offset: 70_000, value: "x".repeat(63) },
  { time: -(2n ** 62n), offset: 2 ** 31 - 1, value: "x".repeat(64) },
  { offset: 5, headers: [["a", "1"], ["b", null], ["a", "2"], ["a", ""]] },
];

for (const attributes of [0, LOG_APPEND_TIME, 0x10, 0x30]) {
  Deno.test(`decodeRecordBatch() gives what kafkajs's own gives, attributes ${attributes}`, async () => {
    const batch = batchOf(RECORDS, attributes);
    const { records } = await own(new Decoder(batch));
    assertEquals(await decodeRecordBatch(batch), records);
  });
}

Deno.test("decodeRecordBatch() refuses a batch that ends too early", async () => {
  const batch = batchOf(RECORDS);
  for (const end of [batch.length - 1, batch.length - 30, AT.records + 5]) {
    await assertRejects(
      () => decodeRecordBatch(batch.subarray(0, end)),
      RangeError,
      "behind the end",
    );
  }
});
