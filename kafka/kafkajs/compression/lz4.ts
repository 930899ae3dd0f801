/**
 * LZ4 frames, as https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md say. Here, since lz4js cuts what does
 * not fit without a word, and reads frames with block checksums wrongly.
 */
import { Buffer } from "node:buffer";

const MAGIC = 0x184d2204;
const VERSION = 1;
/** Flags of a frame. */
const BLOCK_CHECKSUMS = 0x10, CONTENT_SIZE = 0x08, DICTIONARY = 0x01;
const CHECKSUM_BYTES = 4;
const FIRST_BYTES = 64 * 1024;
/** A match is never shorter; its length is said less this. */
const MIN_MATCH = 4;

/**
 * Unpacks one LZ4 frame. Its checksums are not looked at, and kafkajs does not look at that of the
 * record batch around it: only the broker does, when it takes the batch.
 *
 * @throws {Error} Where it is not that, or unpacks to over `maxLength` bytes
 */
export function unpackLz4(packed: Buffer, maxLength: number): Buffer {
  if (packed.readUInt32LE(0) !== MAGIC) throw new Error("It is no LZ4 frame");
  const flags = packed.readUInt8(4);
  if (flags >> 6 !== VERSION) throw new Error(`Version ${flags >> 6} of LZ4 frames is not known`);
  if (flags & DICTIONARY) throw new Error("It needs a dictionary");
  const maxBlock = maxBlockBytes(packed.readUInt8(5));
  let at = flags & CONTENT_SIZE ? 15 : 7;
  let unpacked: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  let length = 0;
  for (;;) {
    const head = packed.readUInt32LE(at);
    if (head === 0) return unpacked.subarray(0, length);
    const start = at + 4;
    const end = start + (head & 0x7fff_ffff);
    if (end > packed.length) throw new Error("An LZ4 block is cut");
    const block = packed.subarray(start, end);
    const limit = length + maxBlock;
    if (limit > unpacked.length) unpacked = grown(unpacked, length, limit);
    if (head >>> 31 === 0) {
      length = unpackBlock(block, unpacked, length, limit);
    } else {
      if (block.length > maxBlock) malformed();
      length += block.copy(unpacked, length);
    }
    if (length > maxLength) throw new Error(`It unpacks to over ${maxLength} bytes`);
    at = end + (flags & BLOCK_CHECKSUMS ? CHECKSUM_BYTES : 0);
  }
}

function maxBlockBytes(descriptor: number): number {
  const size = descriptor >> 4 & 7;
  if (size < 4) malformed();
  return 1 << (8 + 2 * size);
}

function grown(bytes: Buffer, used: number, least: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(least, 2 * bytes.length));
  bytes.copy(larger, 0, 0, used);
  return larger;
}

/** Unpacks a block into `to` from `length` on, `limit` at most; matches may reach further back. */
function unpackBlock(block: Buffer, to: Buffer, length: number, limit: number): number {
  let at = 0;

  /** What a half of the token says, and where it says 15, the bytes that follow. */
  function readLength(half: number): number {
    if (half < 15) return half;
    for (let sum = half;;) {
      const more = block[at++] ?? malformed();
      sum += more;
      if (more < 255) return sum;
    }
  }

  for (;;) {
    const token = block[at++] ?? malformed();
    const literals = readLength(token >> 4);
    if (at + literals > block.length || length + literals > limit) malformed();
    block.copy(to, length, at, at + literals);
    at += literals;
    length += literals;
    if (at === block.length) return length; // the last sequence has no match

    const offset = (block[at++] ?? malformed()) | (block[at++] ?? malformed()) << 8;
    const match = readLength(token & 15) + MIN_MATCH;
    if (offset === 0 || offset > length || length + match > limit) malformed();
    // A match may overlap what it makes, so byte by byte.
    for (const end = length + match; length < end; length++) to[length] = to[length - offset]!;
  }
}

function malformed(): never {
  throw new Error("The LZ4 data is malformed");
}
