import { join } from "node:path";
import type { DataFolder } from "../data_folder.ts";
import { startKafka } from "../kafka/kafka.ts";
import { NoJavaError } from "../kafka/package.ts";
import { startMockBroker } from "../kafka/mock_broker.ts";
import { type Postgres, startPostgres } from "../postgres/postgres.ts";
import { stopServers } from "../stack.ts";
import { DEMO_TOPIC } from "./config.ts";
import type { Screen } from "./show/screen.ts";

/** The servers of one demo, each started as a step on the screen. */
export class Servers implements AsyncDisposable {
  readonly #data: DataFolder;
  readonly #screen: Screen;
  #broker: { brokers: string[]; stop(): Promise<void> } | null = null;
  #postgres: Postgres | null = null;

  constructor(data: DataFolder, screen: Screen) {
    this.#data = data;
    this.#screen = screen;
  }

  /** @returns the connection string. */
  async startPostgres(): Promise<string> {
    await this.#screen.step("PostgreSQL", async () => {
      this.#postgres = await startPostgres({ folder: join(this.#data.path, "postgres") });
      return `127.0.0.1:${this.#postgres.port}`;
    });
    return this.#postgres!.dsn;
  }

  /** A real Kafka or, without Java, the mock broker. @returns host:port of the brokers. */
  async startBroker(): Promise<string[]> {
    try {
      await this.#screen.step("Apache Kafka", async () => {
        this.#broker = await startKafka({ folder: join(this.#data.path, "kafka") });
        return this.#broker.brokers.join();
      });
    } catch (error) {
      if (!(error instanceof NoJavaError)) throw error;
      this.#screen.print(`    ${this.#screen.paint("yellow", error.message)}`);
      await this.#screen.step("Mock broker", async () => {
        const folder = join(this.#data.path, "kafka");
        this.#broker = await startMockBroker(folder, [DEMO_TOPIC]);
        return `${this.#broker.brokers.join()} (in memory, no real Kafka)`;
      });
    }
    return this.#broker!.brokers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopServers(this.#data, this.#broker, this.#postgres);
  }
}
