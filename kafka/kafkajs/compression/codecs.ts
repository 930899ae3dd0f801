import { CompressionCodecs, CompressionTypes } from "kafkajs";
import type { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { gzip, unzip } from "node:zlib";
import { unpackLz4 } from "./lz4.ts";
import { unpackSnappy } from "./snappy.ts";
import { unpackZstd } from "./zstd.ts";

/**
 * What one record batch may unpack to. Brokers limit the packed one (1 MiB by default), of which a
 * few kilobytes could fill any memory; batches of honest producers are far below.
 */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

/** Unpacks to `maxLength` bytes at most, or throws. */
type Unpack = (packed: Buffer, maxLength: number) => Buffer | Promise<Buffer>;

const gzipAsync = promisify(gzip);
const unzipAsync = promisify(unzip);

/** Each but "none"; whoever packs, a foreign producer or a broker by the topic's compression.type. */
const UNPACK = {
  GZIP: (packed, maxLength) => unzipAsync(packed, { maxOutputLength: maxLength }),
  Snappy: unpackSnappy,
  LZ4: unpackLz4,
  ZSTD: unpackZstd,
} satisfies Record<string, Unpack>;

/**
 * Has kafkajs, which by itself knows gzip only and without a bound, unpack all that Kafka packs.
 * Packing stays as it is: gzip, since we send nothing else. Doing it again changes nothing.
 */
export function registerCodecs(): void {
  for (const name of Object.keys(UNPACK) as (keyof typeof UNPACK)[]) {
    const codec = {
      compress: (records: { buffer: Buffer }) => pack(name, records.buffer),
      decompress: (packed: Buffer) => unpacked(name, packed),
    };
    CompressionCodecs[CompressionTypes[name]] = () => codec;
  }
}

function pack(name: keyof typeof UNPACK, records: Buffer): Promise<Buffer> {
  if (name === "GZIP") return gzipAsync(records);
  const why = `Records are sent as they are or packed with gzip, not with ${name}`;
  return Promise.reject(new Error(why));
}

/**
 * The records of a batch, without their packing.
 *
 * @throws {Error} Where they cannot be unpacked, or not to `maxLength` bytes
 */
export async function unpacked(
  name: keyof typeof UNPACK,
  packed: Buffer,
  maxLength = MAX_UNPACKED_BYTES,
): Promise<Buffer> {
  try {
    return await UNPACK[name](packed, maxLength);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot unpack a record batch (${name}): ${why}`);
  }
}
