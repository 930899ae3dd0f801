/**
 * Snappy, as https://github.com/google/snappy/blob/main/format_description.txt says. Here, since
 * snappyjs gives zeros for what is cut off, of which kafkajs would make records.
 */
import { Buffer } from "node:buffer";

/** How snappy-java, and so Kafka, begins what it packs block by block; two int32 of versions follow. */
const FRAMED = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const HEADER_BYTES = 16;

/**
 * Unpacks snappy: blocks in snappy-java's framing, as Java clients and brokers pack, or one raw
 * block, as other clients do.
 *
 * @throws {Error} Where it is not that, or unpacks to over `maxLength` bytes
 */
export function unpackSnappy(packed: Buffer, maxLength: number): Buffer {
  if (!packed.subarray(0, FRAMED.length).equals(FRAMED)) return unpackBlock(packed, maxLength);
  const blocks: Buffer[] = [];
  let left = maxLength;
  for (let at = HEADER_BYTES; at < packed.length;) {
    const start = at + 4;
    const end = start + packed.readInt32BE(at);
    if (end <= start || end > packed.length) throw new Error("A snappy block is cut");
    const block = unpackBlock(packed.subarray(start, end), left);
    blocks.push(block);
    left -= block.length;
    at = end;
  }
  return Buffer.concat(blocks);
}

function unpackBlock(block: Buffer, maxLength: number): Buffer {
  let at = 0;

  function readInt(bytes: number): number {
    if (at + bytes > block.length) malformed();
    const value = block.readUIntLE(at, bytes);
    at += bytes;
    return value;
  }

  function readVarint(): number {
    for (let value = 0, unit = 1;; unit *= 128) {
      const byte = readInt(1);
      value += (byte & 127) * unit;
      if (value >= 2 ** 32) malformed();
      if (byte < 128) return value;
    }
  }

  const size = readVarint();
  if (size > maxLength) throw new Error(`It unpacks to over ${maxLength} bytes`);
  const unpacked = Buffer.allocUnsafe(size);
  let length = 0;
  while (at < block.length) {
    const tag = readInt(1);
    const kind = tag & 3, upper = tag >> 2;
    if (kind === 0) {
      const literals = (upper < 60 ? upper : readInt(upper - 59)) + 1;
      if (at + literals > block.length || length + literals > size) malformed();
      block.copy(unpacked, length, at, at + literals);
      at += literals;
      length += literals;
    } else {
      const match = kind === 1 ? (upper & 7) + 4 : upper + 1;
      const offset = kind === 1 ? (tag >> 5) * 256 + readInt(1) : readInt(kind === 2 ? 2 : 4);
      if (offset === 0 || offset > length || length + match > size) malformed();
      // A match may overlap what it makes, so byte by byte.
      for (const end = length + match; length < end; length++) {
        unpacked[length] = unpacked[length - offset]!;
      }
    }
  }
  if (length !== size) malformed();
  return unpacked;
}

function malformed(): never {
  throw new Error("The snappy data is malformed");
}
