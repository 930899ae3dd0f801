/** Zstandard as nobody else makes it: behind a frame that is to be skipped. The product refuses it. */
import { CompressionCodecs, CompressionTypes, Partitioners } from "kafkajs";
import { Buffer } from "node:buffer";
import { quietKafka } from "../../../local/kafka/client.ts";
import type { SentRecord } from "./ledger.ts";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";

const SKIPPED = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

/** Sends records of one key as one such batch. */
export async function sendOddly(
  brokers: readonly string[],
  topic: string,
  records: readonly SentRecord[],
): Promise<void> {
  useOddZstd();
  const createPartitioner = Partitioners.DefaultPartitioner;
  const producer = quietKafka(brokers).producer({ createPartitioner });
  await producer.connect();
  try {
    const messages = records.map(({ key, value }) => ({
      key,
      value: Buffer.from(value!, "base64"),
    }));
    await producer.send({ topic, acks: -1, messages, compression: CompressionTypes.ZSTD });
  } finally {
    await producer.disconnect();
  }
}

/** Has the harness's own clients write and read it. */
export function useOddZstd(): void {
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) =>
      Promise.resolve(Buffer.concat([SKIPPED, zstdCompressSync(buffer)])),
    decompress: (buffer: Buffer) =>
      Promise.resolve(Buffer.from(zstdDecompressSync(buffer.subarray(SKIPPED.length)))),
  });
}
