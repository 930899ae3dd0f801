import { assertEquals, assertRejects } from "@std/assert";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { registerCodecs, unpacked } from "../../../../kafka/kafkajs/compression/codecs.ts";

const LETTERS = Buffer.from("abcd");
const ZEROS = Buffer.alloc(1_000_000);
const TEXT = Buffer.from(
  Array.from({ length: 40_000 }, (_, i) => `{"n":${i},"s":"site-${i * i % 997}"}\n`).join(""),
);

const int32 = (value: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
};

/** A raw block: its length, and what is to make it. */
function snappyBlock(length: number, parts: readonly number[]): Buffer {
  const varint = [length & 127 | 128, length >> 7 & 127 | 128, length >> 14];
  return Buffer.from([...varint, ...parts]);
}

/** Literals only, in pieces of up to 60, up to 256 and up to 64 KiB. */
function storedSnappy(data: Buffer): Buffer {
  const pieces: number[] = [];
  for (let at = 0, i = 0; at < data.length; i++) {
    const piece = data.subarray(at, at + [60, 256, 65_536][i % 3]!);
    const less = piece.length - 1;
    if (less < 60) pieces.push(less << 2);
    else if (less < 256) pieces.push(60 << 2, less);
    else pieces.push(61 << 2, less & 255, less >> 8);
    pieces.push(...piece);
    at += piece.length;
  }
  return snappyBlock(data.length, pieces);
}

/** "a", then matches of 64 that overlap what they make. */
const SNAPPY_BOMB = snappyBlock(
  1 + 64 * 16_000,
  [0, 97, ...new Array(16_000).fill([63 << 2 | 2, 1, 0]).flat()],
);

/** In snappy-java's framing, in blocks as Kafka makes them. */
function framedSnappy(data: Buffer, blockBytes = 32 * 1024): Buffer {
  const parts: Buffer[] = [Buffer.from("\x82SNAPPY\0", "latin1"), int32(1), int32(1)];
  for (let at = 0; at < data.length; at += blockBytes) {
    const block = storedSnappy(data.subarray(at, at + blockBytes));
    parts.push(int32(block.length), block);
  }
  return Buffer.concat(parts);
}

/** An LZ4 frame of these blocks; those that are `stored` are not packed. */
function lz4Frame(
  blocks: readonly { bytes: readonly number[]; stored?: boolean }[],
  { flags = 0x60, descriptor = 0x40, extra = 0, checksum = 0 } = {},
): Buffer {
  const parts = [Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, descriptor]), Buffer.alloc(extra + 1)];
  for (const { bytes, stored } of blocks) {
    const head = Buffer.alloc(4);
    head.writeUInt32LE((bytes.length | (stored ? 0x8000_0000 : 0)) >>> 0);
    parts.push(head, Buffer.from(bytes), Buffer.alloc(checksum));
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

const [a, b, c, d] = LETTERS as unknown as [number, number, number, number];
const STORED = { bytes: [a, b, c, d], stored: true };
/** One literal, a match that overlaps what it makes, two literals at the end. */
const RUN = { bytes: [0x13, a, 1, 0, 0x20, b, c] };
/** A match of 4 that is all in the block before. */
const LINKED = { bytes: [0x00, 4, 0, 0x10, d] };
/** 1 literal and a match of 15 + 4 + 255 * 256 + 0: as much as nearly fills a block of 64 KiB. */
const BOMB = { bytes: [0x1f, a, 1, 0, ...new Array(256).fill(255), 0, 0x10, b] };

Deno.test("unpacked() unpacks gzip", async () => {
  assertEquals(await unpacked("GZIP", gzipSync(TEXT)), TEXT);
});

Deno.test("unpacked() unpacks snappy, raw and in snappy-java's framing", async () => {
  assertEquals(await unpacked("Snappy", storedSnappy(TEXT)), TEXT);
  assertEquals(await unpacked("Snappy", framedSnappy(TEXT)), TEXT);
});

Deno.test("unpacked() unpacks snappy's matches, near, far and overlapping", async () => {
  const block = snappyBlock(4 + 4 + 3 + 2, [
    ...[3 << 2, a, b, c, d],
    ...[1, 4], // 4 at a distance of 4
    ...[2 << 2 | 2, 1, 0], // 3 at 1
    ...[1 << 2 | 3, 11, 0, 0, 0], // 2 at 11
  ]);
  assertEquals((await unpacked("Snappy", block)).toString(), "abcdabcdddd" + "ab");
  const far = snappyBlock(300 + 4, [
    60 << 2,
    255,
    ...Buffer.alloc(256, "x"),
    43 << 2,
    ...Buffer.alloc(44, "y"),
    1 | 1 << 5,
    44,
  ]);
  assertEquals((await unpacked("Snappy", far)).toString().slice(256), "y".repeat(44) + "xxxx");
});

for (
  const [what, frame, expected] of [
    ["stored blocks", lz4Frame([STORED, STORED]), "abcdabcd"],
    ["a match that overlaps itself", lz4Frame([RUN]), "a".repeat(8) + "bc"],
    ["a match in the block before", lz4Frame([STORED, LINKED], { flags: 0x40 }), "abcdabcdd"],
    [
      "checksums of blocks",
      lz4Frame([STORED, RUN], { flags: 0x70, checksum: 4 }),
      "abcdaaaaaaaabc",
    ],
    ["its length", lz4Frame([STORED], { flags: 0x68, extra: 8 }), "abcd"],
    ["nothing", lz4Frame([]), ""],
  ] as const
) {
  Deno.test(`unpacked() unpacks an LZ4 frame with ${what}`, async () => {
    assertEquals((await unpacked("LZ4", frame)).toString(), expected);
  });
}

Deno.test("unpacked() unpacks an LZ4 frame of many full blocks", async () => {
  const blocks = 50, length = 1 + 19 + 255 * 256 + 1;
  const bytes = await unpacked("LZ4", lz4Frame(new Array(blocks).fill(BOMB)));
  assertEquals(bytes, Buffer.from(("a".repeat(length - 1) + "b").repeat(blocks)));
});

for (
  const [name, packed] of [
    ["GZIP", gzipSync(ZEROS)],
    ["Snappy", SNAPPY_BOMB],
    ["Snappy", framedSnappy(ZEROS)],
    ["LZ4", lz4Frame(new Array(20).fill(BOMB))],
    ["ZSTD", zstdCompressSync(ZEROS)],
  ] as const
) {
  Deno.test(`unpacked() stops at the limit: ${name}, ${packed.length} bytes`, async () => {
    await assertRejects(() => unpacked(name, packed, 999_999), Error, name);
  });
}

for (
  const [what, name, packed] of [
    ["cut gzip", "GZIP", gzipSync(TEXT).subarray(0, 1_000)],
    ["cut raw snappy", "Snappy", storedSnappy(TEXT).subarray(0, 1_000)],
    ["raw snappy cut between its parts", "Snappy", SNAPPY_BOMB.subarray(0, -3)],
    ["a raw match before the beginning", "Snappy", snappyBlock(5, [0, a, 1, 2])],
    ["a raw match at no distance", "Snappy", snappyBlock(5, [0, a, 1, 0])],
    ["more than a raw block says", "Snappy", snappyBlock(4, [0, a, 1, 1])],
    ["raw literals of a length below zero", "Snappy", snappyBlock(9, [252, 255, 255, 255, 255])],
    ["cut framed snappy", "Snappy", framedSnappy(TEXT).subarray(0, 1_000)],
    ["cut zstd", "ZSTD", zstdCompressSync(TEXT).subarray(0, 1_000)],
    ["no zstd", "ZSTD", LETTERS],
    ["no LZ4", "LZ4", LETTERS],
    ["cut LZ4", "LZ4", lz4Frame([RUN]).subarray(0, 14)],
    ["LZ4 without an end", "LZ4", lz4Frame([RUN]).subarray(0, -4)],
    ["a match before the beginning", "LZ4", lz4Frame([LINKED])],
    ["a match at no distance", "LZ4", lz4Frame([{ bytes: [0x13, a, 0, 0, 0x10, b] }])],
    ["a block over its frame's size", "LZ4", lz4Frame([{ bytes: [...BOMB.bytes, ...BOMB.bytes] }])],
    ["literals that are not there", "LZ4", lz4Frame([{ bytes: [0x50, a] }])],
    ["a dictionary", "LZ4", lz4Frame([STORED], { flags: 0x61, extra: 4 })],
  ] as const
) {
  Deno.test(`unpacked() says what it cannot unpack: ${what}`, async () => {
    await assertRejects(
      () => unpacked(name, packed),
      Error,
      `Cannot unpack a record batch (${name})`,
    );
  });
}

Deno.test("registerCodecs() unpacks whatever Kafka packs, and packs with gzip only", async () => {
  registerCodecs();
  const codec = (type: CompressionTypes) =>
    CompressionCodecs[type as keyof typeof CompressionCodecs]();
  const { GZIP, Snappy, LZ4, ZSTD } = CompressionTypes;
  assertEquals(
    await codec(GZIP).decompress(await codec(GZIP).compress({ buffer: LETTERS })),
    LETTERS,
  );
  assertEquals(await codec(Snappy).decompress(framedSnappy(LETTERS)), LETTERS);
  assertEquals(await codec(LZ4).decompress(lz4Frame([STORED])), LETTERS);
  assertEquals(await codec(ZSTD).decompress(zstdCompressSync(LETTERS)), LETTERS);
  for (const type of [Snappy, LZ4, ZSTD]) {
    await assertRejects(() => codec(type).compress({ buffer: LETTERS }), Error, "not with");
  }
});
