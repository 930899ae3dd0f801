import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { DataFolder } from "../../local/data_folder.ts";
import type { Kafka } from "../../local/kafka/kafka.ts";
import type { Postgres } from "../../local/postgres/postgres.ts";
import { startStack } from "../../local/stack.ts";
import { Product } from "./product/product.ts";
import { Proxy } from "./proxy/proxy.ts";

const TEMPLATE = "torture_template";

/** One stack of its own, with a proxy before each server, for rounds one after the other. */
export interface Lane {
  kafka: Kafka;
  postgres: Postgres;
  /** Where the data of the servers is: "kafka" and "postgres" below it. */
  data: DataFolder;
  kafkaProxy: Proxy;
  postgresProxy: Proxy;
  /** Makes a database from one that init-schema filled. */
  makeDatabase(name: string): Promise<void>;
  makeEmptyDatabase(name: string): Promise<void>;
  dropDatabase(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** The lane's server and another database; `port` where a proxy stands before it. */
export function dsnOf(postgres: Postgres, database: string, port = postgres.port): string {
  const url = new URL(postgres.dsn);
  url.port = String(port);
  url.pathname = `/${database}`;
  return url.href;
}

export async function startLane(): Promise<Lane> {
  const [kafkaProxy, postgresProxy] = [await Proxy.start(), await Proxy.start()];
  const closeProxies = () => Promise.all([kafkaProxy.close(), postgresProxy.close()]);
  const { kafka, postgres, data, stop } = await startStack({
    kafka: {
      listeners: { PROXIED: { security: "plaintext", advertised: kafkaProxy.address } },
      settings: { "message.max.bytes": "4000000" },
    },
    postgres: { settings: { max_connections: "60" } },
  }).catch(async (error) => {
    await closeProxies();
    throw error;
  });
  kafkaProxy.pointTo(kafka.ports.PROXIED!);
  postgresProxy.pointTo(postgres.port);
  const asSuperuser = async (sql: string) => {
    const client = new pg.Client({ connectionString: postgres.dsn });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  await asSuperuser(`CREATE DATABASE ${TEMPLATE}`);
  await initSchema(dsnOf(postgres, TEMPLATE));
  return {
    kafka,
    postgres,
    data,
    kafkaProxy,
    postgresProxy,
    makeDatabase: (name) => asSuperuser(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`),
    makeEmptyDatabase: (name) => asSuperuser(`CREATE DATABASE ${name}`),
    dropDatabase: (name) => asSuperuser(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    async stop() {
      await closeProxies();
      await stop();
    },
  };
}

/** Makes the tables as a user does. */
export async function initSchema(dsn: string, root?: string): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), "httpmon-torture-schema-"));
  await chmod(cwd, 0o700);
  await writeFile(join(cwd, "config.yaml"), JSON.stringify({ database: { dsn } }));
  await new Product({ mode: "init-schema", cwd, log: join(cwd, "log"), root }).succeeds();
  await Deno.remove(cwd, { recursive: true });
}
