import type { Certificates } from "../certificates.ts";

/** How clients reach a listener. */
export type Security = "plaintext" | "ssl" | "mtls" | "sasl_plaintext" | "sasl_ssl";

export interface ListenerOptions {
  security: Security;
  /**
   * host:port that the broker tells clients to use in place of the listener's own, for a proxy that
   * stands in front of it.
   */
  advertised?: string;
}

/** A listener with its port. */
export interface Listener extends ListenerOptions {
  port: number;
}

/** The account that every SASL mechanism of a local broker knows. */
export interface SaslUser {
  username: string;
  password: string;
}

export interface PropertiesInput {
  data: string;
  controllerPort: number;
  /** By name: capitals, digits, underscores. "DIRECT" is one of them. */
  listeners: Readonly<Record<string, Listener>>;
  certificates: Certificates | null;
  sasl: SaslUser;
  /** Broker settings that go before ours. */
  settings: Readonly<Record<string, string>>;
}

/** The listener that every broker has: plaintext, advertised as it is. */
export const DIRECT = "DIRECT";
const CONTROLLER = "CONTROLLER";
const NODE_ID = 1;

const PROTOCOLS: Record<Security, string> = {
  plaintext: "PLAINTEXT",
  ssl: "SSL",
  mtls: "SSL",
  sasl_plaintext: "SASL_PLAINTEXT",
  sasl_ssl: "SASL_SSL",
};

/** The text of a server.properties: one node that is broker and controller (KRaft). */
export function kafkaProperties(input: PropertiesInput): string {
  const listeners = Object.entries(input.listeners);
  const properties: Record<string, string> = {
    "process.roles": "broker,controller",
    "node.id": String(NODE_ID),
    "controller.quorum.voters": `${NODE_ID}@127.0.0.1:${input.controllerPort}`,
    "controller.listener.names": CONTROLLER,
    "inter.broker.listener.name": DIRECT,
    "listeners": [
      ...listeners.map(([name, { port }]) => `${name}://127.0.0.1:${port}`),
      `${CONTROLLER}://127.0.0.1:${input.controllerPort}`,
    ].join(","),
    "advertised.listeners": listeners
      .map(([name, { port, advertised }]) => `${name}://${advertised ?? `127.0.0.1:${port}`}`)
      .join(","),
    "listener.security.protocol.map": [
      ...listeners.map(([name, { security }]) => `${name}:${PROTOCOLS[security]}`),
      `${CONTROLLER}:PLAINTEXT`,
    ].join(","),
    "log.dirs": input.data,

    // One broker can hold one replica.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    // 50 by default: a second of work at the first consumer group.
    "offsets.topic.num.partitions": "4",
    // 3 s by default, for the members of a large group to gather.
    "group.initial.rebalance.delay.ms": "0",
    // 9 s by default: so long a broker that was killed is kept out when it comes back.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "auto.create.topics.enable": "false",
  };
  for (const [name, { security }] of listeners) {
    Object.assign(properties, listenerProperties(name, security, input));
  }
  Object.assign(properties, input.settings);
  return Object.entries(properties).map(([key, value]) => `${key}=${value}\n`).join("");
}

function listenerProperties(
  name: string,
  security: Security,
  { certificates, sasl }: PropertiesInput,
): Record<string, string> {
  const prefix = `listener.name.${name.toLowerCase()}.`;
  const properties: Record<string, string> = {};
  if (security === "ssl" || security === "mtls" || security === "sasl_ssl") {
    if (certificates === null) throw new Error(`Listener "${name}" needs certificates`);
    properties["ssl.keystore.type"] = "PEM";
    properties["ssl.keystore.location"] = certificates.serverKeystore;
    properties["ssl.truststore.type"] = "PEM";
    properties["ssl.truststore.location"] = certificates.ca;
    properties["ssl.client.auth"] = security === "mtls" ? "required" : "none";
  }
  if (security === "sasl_plaintext" || security === "sasl_ssl") {
    const modules = "org.apache.kafka.common.security";
    const scram = `${modules}.scram.ScramLoginModule required;`;
    properties["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";
    properties["plain.sasl.jaas.config"] = `${modules}.plain.PlainLoginModule required ` +
      `user_${sasl.username}="${sasl.password}";`;
    properties["scram-sha-256.sasl.jaas.config"] = scram;
    properties["scram-sha-512.sasl.jaas.config"] = scram;
  }
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [prefix + key, value]),
  );
}
