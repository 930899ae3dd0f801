/**
 * Zstandard, as RFC 8878 says. fzstd unpacks the blocks, but would make room for whatever window a
 * frame asks for (2 GiB, of a batch of 20 bytes), and reaches back 32 MiB only, without a word.
 */
import { Decompress } from "fzstd";
import { Buffer } from "node:buffer";

const MAGIC = 0xfd2fb528;
/** Flags of a frame. */
const SINGLE_SEGMENT = 0x20, CHECKSUM = 0x04, DICTIONARY = 0x03;
/** Where a frame says its window, unless its content is its window. */
const WINDOW_AT = 5;
const CHECKSUM_BYTES = 4;
/** A block of one byte, said once. */
const RLE = 1;

/** As zstd's own limit, which its level 22 asks for, however little it packs. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
/** As far as fzstd reaches back, and how a frame asks for that. */
const REACH_BYTES = 32 * 1024 * 1024, REACH = 15 << 3;
/** Room for the windows of all frames: an empty frame at the end is common, a thousand are not. */
const MAX_ROOM_BYTES = 4 * REACH_BYTES;

interface Frame {
  bytes: Buffer;
  windowBytes: number;
  singleSegment: boolean;
}

/**
 * Unpacks Zstandard frames, mostly one. A window of over 32 MiB (zstd's levels 21 and 22) is cut to
 * that, and refused where it could reach beyond: with content of over 32 MiB.
 *
 * @throws {Error} Where it is not that, or unpacks to over `maxLength` bytes
 */
export function unpackZstd(packed: Buffer, maxLength: number): Buffer {
  const chunks: Uint8Array[] = [];
  let length = 0, room = 0, at = 0;
  do {
    const { bytes, windowBytes, singleSegment } = readFrame(packed.subarray(at));
    const mostWindow = singleSegment ? REACH_BYTES : MAX_WINDOW_BYTES;
    if (windowBytes > mostWindow) {
      throw new Error(`It asks for a window of ${windowBytes} bytes, over ${mostWindow}`);
    }
    room += Math.min(windowBytes, REACH_BYTES);
    if (room > MAX_ROOM_BYTES) throw new Error("It has too many zstd frames");
    const wide = windowBytes > REACH_BYTES;
    const most = wide ? Math.min(maxLength, length + REACH_BYTES) : maxLength;
    const stream = new Decompress((chunk) => {
      length += chunk.length;
      if (length > most) throw new Error(`It unpacks to over ${most} bytes`);
      chunks.push(chunk);
    });
    stream.push(wide ? withinReach(bytes) : bytes, true);
    at += bytes.length;
  } while (at < packed.length);
  return Buffer.concat(chunks, length);
}

/** The frame that `packed` begins with. */
function readFrame(packed: Buffer): Frame {
  if (packed.readUInt32LE(0) !== MAGIC) throw new Error("It is no zstd frame");
  const flags = packed.readUInt8(4);
  if (flags & DICTIONARY) throw new Error("It needs a dictionary");
  const singleSegment = (flags & SINGLE_SEGMENT) !== 0;
  const sizeAt = singleSegment ? WINDOW_AT : WINDOW_AT + 1;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const windowBytes = singleSegment
    ? contentBytes(packed, sizeAt, sizeBytes)
    : windowOf(packed.readUInt8(WINDOW_AT));
  const end = endOfBlocks(packed, sizeAt + sizeBytes) + (flags & CHECKSUM ? CHECKSUM_BYTES : 0);
  if (end > packed.length) throw new Error("The zstd frame is cut");
  return { bytes: packed.subarray(0, end), windowBytes, singleSegment };
}

function contentBytes(packed: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(packed.readBigUInt64LE(at));
  return packed.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + base / 8 * (descriptor & 7);
}

function endOfBlocks(packed: Buffer, at: number): number {
  for (let last = false; !last;) {
    if (at + 3 > packed.length) return Infinity;
    const head = packed.readUIntLE(at, 3);
    at += 3 + ((head >> 1 & 3) === RLE ? 1 : head >> 3);
    last = (head & 1) !== 0;
  }
  return at;
}

function withinReach(packed: Buffer): Buffer {
  const frame = Buffer.from(packed);
  frame[WINDOW_AT] = REACH;
  return frame;
}
