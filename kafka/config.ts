import { z } from "zod";
import {
  anyCase,
  flag,
  optional,
  section,
  text,
  textLike,
  whole,
  withDefault,
} from "../config/fields.ts";
import { type Loading, part } from "../config/part.ts";
import { isGiven, mapAt } from "../config/source/raw.ts";
import { checkTlsPair, readTlsFiles, type TlsFileKeys } from "../config/tls_files.ts";
import { bootstrapServers } from "./bootstrap_servers.ts";

const DAY_MS = 86_400_000;
/** The longest time that a timer takes (2^31 - 1 ms), in whole days. */
const MAX_TIMER_MS = 24 * DAY_MS;
const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
const ACKS = '0, 1 or "all"';
const TOPIC = 'a topic name (at most 249 of a-z, A-Z, 0-9, ".", "_" and "-")';
const RETENTION = "a whole number of milliseconds of 1 or more, or -1 (for ever)";
const REPLICATION = "a whole number from 1 to 32767, or -1 (the broker's default)";
const PEM_FILE = "a path of a PEM file";
const PATH = ["kafka", "monitoring"];
const TLS_KEYS: TlsFileKeys = { ca: "ssl_cafile", cert: "ssl_certfile", key: "ssl_keyfile" };

/** `kafka:` of the YAML. */
export const kafkaPart = part({
  schema: section({
    monitoring: section({
      bootstrap_servers: withDefault(bootstrapServers, ["127.0.0.1:9092"]),
      ssl: withDefault(flag(), false),
      ssl_cafile: optional(text(PEM_FILE)),
      ssl_certfile: optional(text(PEM_FILE)),
      ssl_keyfile: optional(text(PEM_FILE)),
      sasl_mechanism: optional(anyCase(...MECHANISMS)),
      sasl_username: optional(text("a user name")),
      sasl_password: optional(z.string({ error: "a password" }).min(1, { error: "a password" })),
      topic: withDefault(textLike(TOPIC, /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/), "monitoring"),
      topic_partitions: withDefault(whole(1, 100_000), 6),
      topic_replication_factor: withDefault(
        z.int({ error: REPLICATION }).refine((n) => n === -1 || (n >= 1 && n <= 32_767), {
          error: REPLICATION,
        }),
        -1,
      ),
      topic_retention_ms: withDefault(
        z.int({ error: RETENTION }).refine((n) => n === -1 || n >= 1, { error: RETENTION }),
        7 * DAY_MS,
      ),
      consumer_group: withDefault(text("a name of the consumer group"), "monitoring"),
      batch_timeout_ms: withDefault(whole(1, MAX_TIMER_MS, "milliseconds"), 10_000),
      acks: withDefault(
        z.literal([0, 1, -1, "0", "1", "-1", "all"], { error: ACKS }).transform((given) =>
          given === "all" ? -1 : Number(given) as 0 | 1 | -1
        ),
        1,
      ),
      request_timeout_ms: withDefault(whole(1, MAX_TIMER_MS, "milliseconds"), 40_000),
    }),
  }),
  load(loading) {
    const given = mapAt(loading.root.kafka, "monitoring");
    check(given, loading);
    const { reader, findings, uses } = loading;
    const pem = readTlsFiles(uses("kafka") ? given : {}, TLS_KEYS, PATH, reader, findings);
    return ({ monitoring: yaml }) => {
      const { sasl_mechanism: mechanism, sasl_username: username, sasl_password: password } = yaml;
      return {
        /** host:port each; an IPv6 address is in brackets. */
        bootstrapServers: yaml.bootstrap_servers as readonly string[],
        /** TLS is used where a file is given or `ssl` is true. */
        tls: yaml.ssl || pem.ca !== null || pem.cert !== null ? pem : null,
        sasl: mechanism === null || username === null || password === null ? null : {
          mechanism: mechanism.toLowerCase() as Lowercase<typeof mechanism>,
          username,
          password,
        },
        topic: yaml.topic,
        /** For a topic that we make. */
        topicPartitions: yaml.topic_partitions,
        /** -1: the broker's default. */
        topicReplicationFactor: yaml.topic_replication_factor,
        /** -1: for ever. */
        topicRetentionMs: yaml.topic_retention_ms,
        consumerGroup: yaml.consumer_group,
        /** Alerters read the topic for themselves. */
        alertsGroup: `${yaml.consumer_group}-alerts`,
        batchTimeoutMs: yaml.batch_timeout_ms,
        /** -1 is "all". */
        acks: yaml.acks,
        requestTimeoutMs: yaml.request_timeout_ms,
      };
    };
  },
});

export type KafkaConfig = ReturnType<ReturnType<typeof kafkaPart.load>>;

function check(given: Readonly<Record<string, unknown>>, { findings }: Loading): void {
  const has = (key: string) => isGiven(given[key]);
  const needs = (key: string, because: string, what: string) => {
    if (has(because) && !has(key)) {
      findings.expected([...PATH, key], `${what} beside "${because}"`, undefined);
    }
  };
  checkTlsPair(given, TLS_KEYS, PATH, findings);
  needs("sasl_username", "sasl_mechanism", "a user name");
  needs("sasl_password", "sasl_mechanism", "a password");
  if (!has("sasl_mechanism")) {
    const because = ["sasl_username", "sasl_password"].find(has);
    if (because) needs("sasl_mechanism", because, "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
  }
  const file = Object.values(TLS_KEYS).find(has);
  if (given.ssl === false && file) {
    findings.expected([...PATH, "ssl"], `true, or no "ssl", beside "${file}"`, false);
  }
}
