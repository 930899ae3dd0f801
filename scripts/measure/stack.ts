import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { withAdmin } from "../../kafka/cluster.ts";
import { createTopic } from "../../kafka/topic.ts";
import { quickestFolder } from "../../local/data_folder.ts";
import { quietKafka } from "../../local/kafka/client.ts";
import { startStack } from "../../local/stack.ts";
import { encode } from "../../wire/encode.ts";
import { type Checkout, runMode } from "./program.ts";
import { resultOf, type SHAPES } from "./results.ts";

const SITES = 1_000;
/** So many results go to each partition at a time. */
const CHUNK = 500;

/** A database with the schema of a checkout. */
export interface BenchDatabase {
  dsn: string;
  // deno-lint-ignore no-explicit-any
  query(sql: string, values?: unknown[]): Promise<pg.QueryResult<any>>;
  /** How many records of the topic are stored. */
  stored(): Promise<number>;
}

/** A Kafka and a PostgreSQL for a bench, and a folder for its files; gone with it. */
export async function benchStack(settings: Record<string, string> = {}) {
  await using parts = new AsyncDisposableStack();
  const stack = await startStack({
    parent: await quickestFolder(),
    kafka: { settings: { "log.retention.ms": "-1" } },
    postgres: { settings: { max_wal_size: "4GB", ...settings } },
  });
  parts.defer(() => stack.stop());
  const folder = await Deno.makeTempDir({ prefix: "httpmon-bench-" });
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  const { brokers } = stack.kafka;
  const clients = parts.adopt([] as pg.Client[], async (all) => {
    for (const client of all) await client.end();
  });
  let made = 0;

  /** Writes a config with a consumer group of its own. @returns Its path */
  function config(
    { topic = "none", dsn, monitoring, ...rest }: {
      topic?: string;
      dsn?: string;
      monitoring?: Record<string, unknown>;
      [section: string]: unknown;
    },
  ): string {
    const kafka = {
      monitoring: {
        bootstrap_servers: brokers,
        topic,
        consumer_group: `bench-${made++}`,
        ...monitoring,
      },
    };
    const path = join(folder, `config-${made}.yaml`);
    writeFileSync(path, JSON.stringify({ kafka, ...(dsn && { database: { dsn } }), ...rest }));
    return path;
  }

  async function open(dsn: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: dsn });
    await client.connect();
    clients.push(client);
    return client;
  }
  const server = await open(stack.postgres.dsn);

  const owned = parts.move();
  return {
    stack,
    folder,
    brokers,
    config,
    async database(checkout: Checkout): Promise<BenchDatabase> {
      const name = `bench_${made++}`;
      await server.query(`CREATE DATABASE ${name}`);
      const url = new URL(stack.postgres.dsn);
      url.pathname = `/${name}`;
      const dsn = url.href;
      await runMode(checkout, ["init-schema", "-c", config({ dsn })], folder);
      const client = await open(dsn);
      return {
        dsn,
        query: (sql, values) => client.query(sql, values),
        async stored() {
          const { rows } = await client.query(
            "SELECT coalesce(sum(next_offset), 0)::int AS stored FROM consumer_offsets",
          );
          return rows[0].stored;
        },
      };
    },
    /** Makes a topic with results in it, as agents send them. */
    async fill(topic: string, shape: keyof typeof SHAPES, results: number, numPartitions: number) {
      const kafka = quietKafka(brokers);
      const configEntries = [{ name: "message.timestamp.type", value: "LogAppendTime" }];
      await withAdmin(
        kafka,
        (admin) => createTopic(admin, { topic, numPartitions, configEntries }),
      );
      const producer = kafka.producer();
      await producer.connect();
      const chunk = CHUNK * numPartitions;
      for (let first = 0; first < results; first += chunk) {
        const messages = Array.from({ length: Math.min(chunk, results - first) }, (_, n) => {
          const message = resultOf(shape, (first + n) % SITES, Math.floor((first + n) / SITES));
          return { key: message.url, value: encode(message), partition: n % numPartitions };
        });
        await producer.send({ topic, acks: 1, messages });
      }
      await producer.disconnect();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
