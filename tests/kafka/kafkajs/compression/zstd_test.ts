import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import process from "node:process";
import { constants, createZstdCompress, zstdCompressSync } from "node:zlib";
import { unpacked } from "../../../../kafka/kafkajs/compression/codecs.ts";

const MIB = 1024 * 1024;
const TEXT = Buffer.from(
  Array.from({ length: 40_000 }, (_, i) => `{"n":${i},"s":"site-${i * i % 997}"}\n`).join(""),
);
const SKIPPABLE = Buffer.from("502a4d1800000000", "hex");

/** As Java's stream packs it: the frame's head does not say the length. An empty frame follows. */
async function streamed(data: Buffer, level = 3): Promise<Buffer> {
  const stream = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
  stream.write(data.subarray(0, 300_000));
  stream.end(data.subarray(300_000));
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A frame with this head, of one block that makes "aaaa". */
function frame(head: readonly number[], { last = true } = {}): Buffer {
  const block = 4 << 3 | 1 << 1 | (last ? 1 : 0);
  return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...head, block, 0, 0, 97]);
}

/** The head of a frame with a window of 2 to the `exponent`, and so many eighths of it more. */
const windowed = (exponent: number, eighths = 0) => [0, exponent - 10 << 3 | eighths];

/** That of a frame whose content, said in 8 bytes, is its window. */
function oneSegment(size: bigint): number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(size);
  return [0xe0, ...bytes];
}

Deno.test("unpacked() unpacks zstd, with its length said or not", async () => {
  assertEquals(await unpacked("ZSTD", zstdCompressSync(TEXT)), TEXT);
  assertEquals(await unpacked("ZSTD", await streamed(TEXT)), TEXT);
});

Deno.test("unpacked() unpacks zstd of the highest level, which asks for 128 MiB", async () => {
  const packed = await streamed(TEXT, 22);
  assertEquals([...packed.subarray(4, 6)], windowed(27));
  assertEquals(await unpacked("ZSTD", packed), TEXT);
});

for (
  const [what, head] of [
    ["a window of 32 MiB", windowed(25)],
    ["a window of 128 MiB", windowed(27)],
    ["one segment", oneSegment(4n)],
    ["one segment, its size in a byte", [0x20, 4]],
  ] as const
) {
  Deno.test(`unpacked() unpacks a zstd frame with ${what}`, async () => {
    assertEquals((await unpacked("ZSTD", frame(head))).toString(), "aaaa");
  });
}

Deno.test("unpacked() unpacks several zstd frames, with windows bounded in all", async () => {
  const frames = (count: number) => Buffer.concat(new Array(count).fill(frame(windowed(23))));
  assertEquals((await unpacked("ZSTD", frames(2))).toString(), "aaaaaaaa");
  await assertRejects(() => unpacked("ZSTD", frames(17)), Error, "too many");
});

for (
  const [what, packed, message] of [
    ["a window of 144 MiB", frame(windowed(27, 1)), "a window of 150994944 bytes"],
    ["a window of 1.75 GiB", frame(windowed(30, 6)), "a window of 1879048192 bytes"],
    [
      "a window of 1.75 GiB in the second frame",
      Buffer.concat([frame(windowed(20)), frame(windowed(30, 6))]),
      "a window of 1879048192 bytes",
    ],
    ["one segment of over 32 MiB", frame(oneSegment(33_554_433n)), "of 33554433 bytes"],
    ["one segment of 1 TiB", frame(oneSegment(1n << 40n)), "of 1099511627776 bytes"],
    ["a skippable frame", SKIPPABLE, "no zstd frame"],
    [
      "a skippable frame behind",
      Buffer.concat([frame(windowed(20)), SKIPPABLE]),
      "no zstd frame",
    ],
    ["no last block", frame(windowed(20), { last: false }), "is cut"],
    ["a cut checksum", frame([4, 80]), "is cut"],
    ["a dictionary", frame([1, 80, 1]), "dictionary"],
  ] as const
) {
  Deno.test(`unpacked() refuses zstd with ${what}, and makes no room for it`, async () => {
    const before = process.memoryUsage().arrayBuffers;
    await assertRejects(() => unpacked("ZSTD", packed), Error, message);
    assert(process.memoryUsage().arrayBuffers - before < 16 * MIB);
  });
}

Deno.test("unpacked() refuses zstd that could reach back over 32 MiB", async () => {
  const bytes = Buffer.concat([Buffer.alloc(32 * MIB), TEXT]);
  const packed = await streamed(bytes);
  assertEquals((await unpacked("ZSTD", packed)).length, bytes.length);
  packed.set(windowed(27), 4);
  await assertRejects(() => unpacked("ZSTD", packed), Error, "over 33554432 bytes");
});
