/** What the broker packs again is read by a consumer that our client made. */
import { assertEquals } from "@std/assert";
import { createSender } from "../../../../kafka/sender.ts";
import { recordingLog } from "../../../support/recording_log.ts";
import { freshTopic } from "../../../support/stack.ts";
import { clientFor, readUntil } from "../../read_topic.ts";

/** Packs well, but not to nothing; over 64 kB, so that snappy and lz4 make several blocks. */
const BATCH = Array.from({ length: 2_000 }, (_, i) => ({
  key: `https://site-${i % 7}.example/`,
  value: JSON.stringify({ n: i, noise: (i * 2_654_435_761 % 2 ** 32).toString(36).repeat(2) }),
}));

for (const compression of ["uncompressed", "gzip", "snappy", "lz4", "zstd"]) {
  Deno.test(`createKafka() reads a topic with compression.type=${compression}`, async () => {
    const topic = await freshTopic({ config: { "compression.type": compression } });
    const { kafka, config } = await clientFor(topic);
    const sender = createSender(kafka, config, recordingLog());
    await sender.send(BATCH);
    await sender.close();
    const sent = BATCH.map(({ value }) => value);
    assertEquals(await readUntil(kafka, topic, sent.at(-1)!), sent);
  });
}
