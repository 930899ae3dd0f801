/** Every way to a broker, by the keys of a config, against a real broker. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../config/load.ts";
import { createKafka } from "../../kafka/client.ts";
import { viewTopic } from "../../kafka/cluster.ts";
import { brokerAdviceFor } from "../../kafka/failure.ts";
import { createSender } from "../../kafka/sender.ts";
import { startKafka } from "../../local/kafka/kafka.ts";
import { describeError } from "../../runtime/log/error.ts";
import { recordingLog } from "../support/recording_log.ts";

const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

Deno.test("createKafka() reaches a broker by every security that the config has", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-security-"));
  const kafka = await startKafka({
    folder,
    listeners: {
      TLS: { security: "ssl" },
      MUTUAL: { security: "mtls" },
      SASL: { security: "sasl_plaintext" },
      SASL_TLS: { security: "sasl_ssl" },
    },
  });
  const { certificates, sasl } = kafka;
  const ca = { ssl_cafile: certificates!.ca };
  const client = { ssl_certfile: certificates!.clientCert, ssl_keyfile: certificates!.clientKey };

  /** Sends one message to a topic of its own, which is made on the way; gives what arrived. */
  async function roundTrip(listener: string, keys: Record<string, unknown>): Promise<number> {
    const topic = `topic-${crypto.randomUUID()}`;
    const content = {
      kafka: {
        monitoring: {
          bootstrap_servers: `localhost:${kafka.ports[listener]}`,
          topic,
          topic_partitions: 1,
          request_timeout_ms: 30_000,
          ...keys,
        },
      },
    };
    const config = loadConfig("config.yaml", {
      env: {},
      readFile: (path) =>
        path.endsWith("config.yaml")
          ? new TextEncoder().encode(JSON.stringify(content))
          : Deno.readFileSync(path),
    }).kafka;
    const log = recordingLog();
    const client = createKafka(config, "httpmon-test", log);
    const sender = createSender(client, config, log);
    try {
      await sender.send([{ key: "a", value: "b" }]);
      const { bounds } = await viewTopic(client, topic);
      return Number(bounds.get(0)!.high);
    } finally {
      await sender.close();
    }
  }

  /** It fails, and what to do about it is said. */
  async function refused(trip: () => Promise<number>, advice: RegExp): Promise<void> {
    const error = await assertRejects(trip);
    assertMatch(brokerAdviceFor(error) ?? "", advice, JSON.stringify(describeError(error)));
  }

  try {
    await t.step("plain", async () => assertEquals(await roundTrip("DIRECT", {}), 1));
    await t.step("TLS", async () => assertEquals(await roundTrip("TLS", ca), 1));
    await t.step("TLS, a certificate that no given authority signed", async () => {
      await refused(() => roundTrip("TLS", { ssl: true }), /who signed the broker's certificate/);
    });
    await t.step("TLS, where none is spoken", async () => {
      await refused(() => roundTrip("DIRECT", ca), /no TLS is spoken at this port/);
    });
    await t.step("no TLS, where it is spoken", async () => {
      await refused(() => roundTrip("TLS", {}), /the broker hangs up/);
    });
    await t.step("no login, where one is asked for", async () => {
      await refused(() => roundTrip("SASL", {}), /the broker hangs up/);
    });
    await t.step("mutual TLS", async () => {
      assertEquals(await roundTrip("MUTUAL", { ...ca, ...client }), 1);
    });
    await t.step("mutual TLS, without the client's certificate", async () => {
      // It may end the connection before it has said why.
      await refused(() => roundTrip("MUTUAL", ca), /a certificate of ours|hangs up/);
    });
    for (const mechanism of MECHANISMS) {
      const keys = {
        sasl_mechanism: mechanism,
        sasl_username: sasl.username,
        sasl_password: sasl.password,
      };
      await t.step(`SASL ${mechanism}`, async () => {
        assertEquals(await roundTrip("SASL", keys), 1);
      });
      await t.step(`SASL ${mechanism}, where no login is asked for`, async () => {
        await refused(() => roundTrip("DIRECT", keys), /asks for no login/);
      });
      await t.step(`SASL ${mechanism} over TLS`, async () => {
        assertEquals(await roundTrip("SASL_TLS", { ...keys, ...ca }), 1);
      });
      await t.step(`SASL ${mechanism}, wrong password`, async () => {
        const wrong = { ...keys, sasl_password: "wrong" };
        await refused(() => roundTrip("SASL", wrong), /sasl_password/);
      });
    }
  } finally {
    await kafka.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
