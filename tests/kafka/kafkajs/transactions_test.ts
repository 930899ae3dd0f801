import { assertEquals } from "@std/assert";
import { Partitioners } from "kafkajs";
import { freshTopic } from "../../support/stack.ts";
import { clientFor, readUntil } from "../read_topic.ts";

Deno.test("createKafka() reads nothing of aborted transactions, in whatever order they end", async () => {
  const topic = await freshTopic();
  const { kafka } = await clientFor(topic);
  const producers = [1, 2].map((n) =>
    kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      transactionalId: `${topic}-${n}`,
      maxInFlightRequests: 1,
      idempotent: true,
      retry: { retries: 10 },
    })
  );
  const send = (to: { send: typeof producers[0]["send"] }, value: string) =>
    to.send({ topic, messages: [{ key: "a", value }] });
  try {
    await Promise.all(producers.map((producer) => producer.connect()));
    const first = await producers[0]!.transaction();
    const second = await producers[1]!.transaction();
    for (const value of ["aborted 1", "aborted 2"]) {
      await send(first, value);
      await send(second, value);
    }
    await second.abort();
    await first.abort();
    const last = await producers[0]!.transaction();
    await send(last, "committed");
    await last.commit();
  } finally {
    await Promise.all(producers.map((producer) => producer.disconnect()));
  }
  assertEquals(await readUntil(kafka, topic, "committed"), ["committed"]);
});
