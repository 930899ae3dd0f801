import { assert, assertEquals } from "@std/assert";
import produces from "kafkajs/src/protocol/requests/produce/index.js";
import Long from "kafkajs/src/utils/long.js";
import { registerCodecs } from "../../../kafka/kafkajs/compression/codecs.ts";
import {
  encodeProduce,
  patchProduce,
  type ProducedMessage,
} from "../../../kafka/kafkajs/produce_patch.ts";

/** kafkajs's own, before any patch. */
const own = produces.protocol({ version: 7 });

const T = 1_790_000_000_000;
const LONG = "ü".repeat(40_000);

function produced(messages: ProducedMessage[], more: object = {}) {
  const topicData = [
    { topic: "a", partitions: [{ partition: 0, firstSequence: 0, messages }] },
    {
      topic: "ü",
      partitions: [7, 70_000].map((partition) => ({ partition, firstSequence: 3, messages })),
    },
  ];
  return { acks: -1, timeout: 30_000, topicData, ...more };
}

const CASES: Record<string, ReturnType<typeof produced>> = {
  "one message": produced([{ key: "k", value: "v", timestamp: T }]),
  "no key, no value": produced([{ value: null, timestamp: T }]),
  "an empty key and value": produced([{ key: "", value: Buffer.alloc(0), timestamp: T }]),
  "bytes": produced([{ key: Buffer.from([255, 0]), value: Buffer.from(LONG), timestamp: T }]),
  "lengths of one, two and three bytes": produced(
    [63, 64, 127, 128, 8_191, 8_192, 100_000].map((length) => ({
      key: "x".repeat(length),
      value: "ü".repeat(length),
      timestamp: T,
    })),
  ),
  "times that differ": produced(
    [0, 1, 64, 1_000_000, 2 ** 33].map((ms) => ({ value: "v", timestamp: String(T + ms) })),
  ),
  "headers": produced([
    { value: "v", timestamp: T, headers: { a: "1", ü: Buffer.from("2"), c: ["3", "4"], d: "" } },
  ]),
  "many": produced(
    Array.from({ length: 500 }, (_, n) => ({ key: `${n}`, value: "v".repeat(n), timestamp: T })),
  ),
  "packed": produced([{ value: LONG, timestamp: T }], { compression: 1 }),
  "a producer of its own": produced([{ value: "v", timestamp: T }], {
    producerId: Long.fromValue(2n ** 40n + 1n),
    producerEpoch: 5,
  }),
  "a transaction": produced([{ value: "v", timestamp: T }], { transactionalId: "t" }),
};

for (const [name, request] of Object.entries(CASES)) {
  Deno.test(`encodeProduce() writes the bytes that kafkajs does: ${name}`, async () => {
    registerCodecs();
    const expected = await own(request).request.encode();
    const { buf, offset } = await encodeProduce(request);
    assertEquals(buf.subarray(0, offset).equals(expected.buffer), true);
  });
}

Deno.test("encodeProduce() gives a message without a time the present one", async () => {
  const bytes = async (message: ProducedMessage) => {
    const { buf, offset } = await encodeProduce(produced([message]));
    return buf.subarray(0, offset).toString("hex");
  };
  const from = Date.now();
  const written = await bytes({ value: "v" });
  const until = Date.now();
  const expected = [];
  for (let timestamp = from; timestamp <= until; timestamp++) {
    expected.push(await bytes({ value: "v", timestamp }));
  }
  assert(expected.includes(written));
});

Deno.test("patchProduce() has kafkajs encode so, whatever came before record batches apart", async () => {
  patchProduce();
  patchProduce();
  const request = CASES["one message"]!;
  const { request: { encode, apiVersion }, response } = produces.protocol({ version: 7 })(request);
  const ours = await encodeProduce(request);
  assertEquals((await encode()).buf.equals(ours.buf), true);
  assertEquals([apiVersion, typeof response.parse], [7, "function"]);
  assertEquals(produces.protocol({ version: 2 })(request).request.apiVersion, 2);
});
