import { waitFor } from "../../../local/wait.ts";
import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import type { KafkaConfig, SASLOptions } from "kafkajs";
import { dataFolder } from "../../../local/data_folder.ts";
import { type Kafka, startKafka } from "../../../local/kafka/kafka.ts";
import { withAdmin } from "../../../kafka/cluster.ts";
import { createTopic } from "../../../kafka/topic.ts";
import { quietKafka } from "../../../local/kafka/client.ts";

const TOPIC = "ways";

/** Sends `value` over one listener and reads the topic from its start over the same. */
async function roundTrip(
  brokers: string[],
  options: Partial<KafkaConfig>,
  value: string,
): Promise<string[]> {
  const client = quietKafka(brokers, { retry: { retries: 3 }, ...options });
  const producer = client.producer();
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: [{ key: "key", value }] });
  await producer.disconnect();
  return await readAll(client, value);
}

async function readAll(client: ReturnType<typeof quietKafka>, last: string): Promise<string[]> {
  const consumer = client.consumer({ groupId: `reads-${last}` });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await new Promise<void>((resolve) => {
    consumer.run({
      // deno-lint-ignore require-await
      eachMessage: async ({ message }) => {
        values.push(String(message.value));
        if (values.at(-1) === last) resolve();
      },
    });
  });
  await consumer.disconnect();
  return values;
}

async function refuses(brokers: string[], options: Partial<KafkaConfig>, why: string) {
  const refusal = async () => {
    const admin = quietKafka(brokers, { retry: { retries: 0 }, ...options }).admin();
    const { message } = await assertRejects(() => admin.connect(), Error);
    await admin.disconnect();
    return message;
  };
  // Where the broker closes before its alert is read, kafkajs knows no more than that.
  await waitFor(
    `a refusal that says "${why}"`,
    async () => (await refusal()).includes(why),
    60_000,
  );
}

/** Passes bytes on to the port that `target` gives, and counts the connections. */
async function startProxy(target: () => number) {
  const seen = { connections: 0 };
  const server: Server = createServer((client) => {
    seen.connections++;
    const upstream = connect(target(), "127.0.0.1");
    client.pipe(upstream).pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise((resolve) => server.close(resolve));
  return { port: (server.address() as AddressInfo).port, seen, close };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

Deno.test("startKafka() serves every listener and keeps its data over restarts", async (t) => {
  const data = await dataFolder();
  const proxy = await startProxy(() => kafka.ports.PROXIED!);
  const kafka: Kafka = await startKafka({
    folder: join(data.path, "kafka"),
    listeners: {
      TLS: { security: "ssl" },
      MUTUAL: { security: "mtls" },
      SASL: { security: "sasl_plaintext" },
      SASL_TLS: { security: "sasl_ssl" },
      PROXIED: { security: "plaintext", advertised: `127.0.0.1:${proxy.port}` },
    },
    settings: { "message.max.bytes": "4000000" },
  });
  try {
    const at = (name: string) => [`localhost:${kafka.ports[name]}`];
    const files = kafka.certificates!;
    const ca = [await readFile(files.ca, "utf8")];
    const cert = await readFile(files.clientCert, "utf8");
    const key = await readFile(files.clientKey, "utf8");
    const sasl = (mechanism: string, password = kafka.sasl.password) =>
      ({ mechanism, username: kafka.sasl.username, password }) as SASLOptions;

    await withAdmin(quietKafka(kafka.brokers), async (admin) => {
      await createTopic(admin, { topic: TOPIC, numPartitions: 1 });
      assertEquals((await admin.describeCluster()).clusterId, kafka.clusterId);
    });

    const ways: [string, string[], Partial<KafkaConfig>][] = [
      ["plaintext", kafka.brokers, {}],
      ["ssl", at("TLS"), { ssl: { ca } }],
      ["mtls", at("MUTUAL"), { ssl: { ca, cert, key } }],
      ["plain", at("SASL"), { sasl: sasl("plain") }],
      ["scram-sha-256", at("SASL"), { sasl: sasl("scram-sha-256") }],
      ["scram-sha-512 over ssl", at("SASL_TLS"), { sasl: sasl("scram-sha-512"), ssl: { ca } }],
    ];
    const sent: string[] = [];
    for (const [name, brokers, options] of ways) {
      await t.step(`produces and consumes over ${name}`, async () => {
        sent.push(name);
        assertEquals(await roundTrip(brokers, options, name), sent);
      });
    }
    await t.step(
      "refuses a client without a certificate where one is required",
      () => refuses(at("MUTUAL"), { ssl: { ca } }, "BadCertificate"),
    );
    await t.step(
      "has a certificate that only its authority vouches for",
      () => refuses(at("TLS"), { ssl: true }, "certificate"),
    );
    await t.step(
      "refuses a wrong password",
      () => refuses(at("SASL"), { sasl: sasl("scram-sha-256", "wrong") }, "Authentication failed"),
    );
    await t.step("sends clients to the advertised address", async () => {
      const { brokers } = await withAdmin(
        quietKafka(at("PROXIED")),
        (admin) => admin.describeCluster(),
      );
      assertEquals(brokers.map(({ port }) => port), [proxy.port]);
      assertGreater(proxy.seen.connections, 0);
    });
    await t.step("keeps port and records over stop() and SIGKILL", async () => {
      await kafka.stop();
      assertEquals(await listens(kafka.port), false);
      await kafka.start();
      kafka.kill("SIGKILL");
      await kafka.start();
      sent.push("after");
      assertEquals(await roundTrip(kafka.brokers, {}, "after"), sent);
    });
  } finally {
    kafka.kill("SIGKILL");
    await kafka.stop();
    await proxy.close();
    await data.close();
  }
});
