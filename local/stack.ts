import { join } from "node:path";
import { type DataFolder, dataFolder } from "./data_folder.ts";
import { type Kafka, type KafkaOptions, startKafka } from "./kafka/kafka.ts";
import { type Postgres, type PostgresOptions, startPostgres } from "./postgres/postgres.ts";

export interface StackOptions {
  /** Keeps the data in this folder. @default a folder of its own that is removed at the end */
  data?: string;
  /** Where that one is. @default the system's folder for temporary files */
  parent?: string;
  kafka?: Omit<KafkaOptions, "folder">;
  postgres?: Omit<PostgresOptions, "folder">;
}

/** A real Kafka and a real PostgreSQL on free loopback ports of this machine. */
export interface Stack {
  readonly kafka: Kafka;
  readonly postgres: Postgres;
  readonly data: DataFolder;
  /** Stops both, and removes the data unless it is to be kept. */
  stop(): Promise<void>;
}

/**
 * Starts both side by side. They end with this process, however it ends; stop() makes an end of them
 * before that.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const data = await dataFolder(options.data, options.parent);
  const [kafka, postgres] = await Promise.allSettled([
    startKafka({ folder: join(data.path, "kafka"), ...options.kafka }),
    startPostgres({ folder: join(data.path, "postgres"), ...options.postgres }),
  ]);
  if (kafka.status === "fulfilled" && postgres.status === "fulfilled") {
    return {
      kafka: kafka.value,
      postgres: postgres.value,
      data,
      stop: () => stopServers(data, kafka.value, postgres.value),
    };
  }
  await stopServers(
    data,
    kafka.status === "fulfilled" ? kafka.value : null,
    postgres.status === "fulfilled" ? postgres.value : null,
  );
  throw kafka.status === "rejected" ? kafka.reason : (postgres as PromiseRejectedResult).reason;
}

/** Stops what there is: in order where the data stays, at once where it goes. */
export async function stopServers(
  data: DataFolder,
  kafka: { stop(): Promise<void>; kill?(signal: NodeJS.Signals): boolean } | null,
  postgres: Postgres | null,
): Promise<void> {
  if (!data.kept) kafka?.kill?.("SIGKILL");
  await Promise.all([kafka?.stop(), postgres?.stop(data.kept ? "fast" : "immediate")]);
  await data.close();
}
