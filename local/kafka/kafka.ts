import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { type Certificates, makeCertificates } from "../certificates.ts";
import { withAdmin } from "../../kafka/cluster.ts";
import { quietKafka } from "./client.ts";
import { kafkaClassPath } from "./package.ts";
import {
  DIRECT,
  kafkaProperties,
  type Listener,
  type ListenerOptions,
  type SaslUser,
} from "./properties.ts";
import { freePort } from "../ports.ts";
import { type LocalProcess, startProcess } from "../process.ts";
import { logTail, waitFor } from "../wait.ts";

const START_MS = 60_000;

/** A quick start and a small footprint rather than throughput; still far more than we ask of it. */
const JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const LOG_SETTINGS = [
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
  "-Dorg.slf4j.simpleLogger.showDateTime=true",
  "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
];

export interface KafkaOptions {
  /** Folder for the data, the certificates and the log; made if missing. Data there is used. */
  folder: string;
  /** Listeners beside the plaintext one that is always there, by name (capitals). */
  listeners?: Readonly<Record<string, ListenerOptions>>;
  /** Broker settings, { "message.max.bytes": "4000000" } for one. */
  settings?: Readonly<Record<string, string>>;
}

/** An Apache Kafka broker of our own on loopback ports. */
export interface Kafka {
  /** Of the plaintext listener that is always there, host:port. */
  readonly brokers: string[];
  readonly port: number;
  /** Ports of all listeners by name. */
  readonly ports: Readonly<Record<string, number>>;
  readonly clusterId: string;
  /** PEM files; null where no listener needs them. */
  readonly certificates: Certificates | null;
  /** The account that every SASL mechanism knows. */
  readonly sasl: SaslUser;
  readonly pid: number;
  readonly log: string;
  /** Starts it again, unless it runs, on the same ports and data; resolves when it answers. */
  start(): Promise<void>;
  /** An orderly stop; SIGKILL after 30 s. */
  stop(): Promise<void>;
  /** Sends a signal; false if it is not running. */
  kill(signal: NodeJS.Signals): boolean;
}

/**
 * Starts a broker on the data in `folder`, made if there is none.
 *
 * @throws NoJavaError where there is no Java or no Maven.
 */
export async function startKafka(options: KafkaOptions): Promise<Kafka> {
  const { folder } = options;
  const classPath = await kafkaClassPath();
  await mkdir(folder, { recursive: true });
  const log = join(folder, "kafka.log");
  const data = join(folder, "data");

  const listeners: Record<string, Listener> = {};
  const wanted = { [DIRECT]: { security: "plaintext" }, ...options.listeners } as const;
  for (const [name, listener] of Object.entries<ListenerOptions>(wanted)) {
    listeners[name] = { ...listener, port: await freePort() };
  }
  const usesTls = Object.values(listeners)
    .some(({ security }) => ["ssl", "mtls", "sasl_ssl"].includes(security));
  const certificates = usesTls ? await makeCertificates(join(folder, "certificates")) : null;
  const sasl = await ensureAccount(join(folder, "sasl.json"));

  const properties = join(folder, "server.properties");
  const text = kafkaProperties({
    data,
    controllerPort: await freePort(),
    listeners,
    certificates,
    sasl,
    settings: options.settings ?? {},
  });
  await writeFile(properties, text, { mode: 0o600 });
  const clusterId = await ensureFormatted(classPath, data, properties, sasl);

  const brokers = [`127.0.0.1:${listeners[DIRECT]!.port}`];
  let server = await launch();

  async function launch(): Promise<LocalProcess> {
    const command = [...JAVA, ...LOG_SETTINGS, "-cp", classPath, "kafka.Kafka", properties];
    const started = await startProcess(command, { log, cwd: folder });
    try {
      await waitFor(
        "Kafka to start",
        async () => started.ended || await answers(brokers),
        START_MS,
        100,
      );
    } catch (error) {
      await started.stop("SIGKILL", 0);
      throw error;
    }
    if (!started.ended) return started;
    throw new Error(`Kafka did not start; the end of "${log}":\n${await logTail(log)}`);
  }

  return {
    brokers,
    port: listeners[DIRECT]!.port,
    ports: Object.fromEntries(Object.entries(listeners).map(([name, { port }]) => [name, port])),
    clusterId,
    certificates,
    sasl,
    log,
    get pid() {
      return server.pid;
    },
    async start() {
      if (!await server.running()) server = await launch();
    },
    stop: () => server.stop("SIGTERM", 30_000),
    kill: (signal) => server.kill(signal),
  };
}

/** The SASL account is part of the formatted data, so it is kept beside it. */
async function ensureAccount(file: string): Promise<SaslUser> {
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as SaslUser;
  const user = { username: "httpmon", password: randomBytes(18).toString("base64url") };
  await writeFile(file, JSON.stringify(user), { mode: 0o600 });
  return user;
}

/** Formats the data folder if need be; gives its cluster id. */
async function ensureFormatted(
  classPath: string,
  data: string,
  properties: string,
  { username, password }: SaslUser,
): Promise<string> {
  const meta = join(data, "meta.properties");
  if (!existsSync(meta)) {
    // Kafka's form of a UUID: 16 bytes in base64url. A leading "-" would be taken for an option.
    const id = randomBytes(16).toString("base64url").replace(/^-/, "A");
    const args = ["-cp", classPath, "kafka.tools.StorageTool", "format"];
    args.push("--config", properties, "--cluster-id", id);
    for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"]) {
      args.push("--add-scram", `${mechanism}=[name=${username},password=${password}]`);
    }
    await promisify(execFile)(JAVA[0]!, [...JAVA.slice(1), ...args], { env: process.env });
  }
  const found = /^cluster\.id=(.+)$/m.exec(await readFile(meta, "utf8"))?.[1];
  if (found === undefined) throw new Error(`"${meta}" names no cluster id`);
  return found.trim();
}

/** Whether the broker is up and knows of itself. */
async function answers(brokers: string[]): Promise<boolean> {
  const kafka = quietKafka(brokers, {
    connectionTimeout: 1000,
    requestTimeout: 2000,
    retry: { retries: 0 },
  });
  try {
    return (await withAdmin(kafka, (admin) => admin.describeCluster())).brokers.length === 1;
  } catch {
    return false;
  }
}
