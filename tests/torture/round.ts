import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { waitFor } from "../../local/wait.ts";
import type { Postgres } from "../../local/postgres.ts";
import { dsnOf, initSchema, type Lane } from "./lane.ts";
import { Ledger } from "./ledger.ts";
import { delay, Load } from "./load.ts";
import { mutatedTree } from "./mutated_tree.ts";
import { Product, type ProductOptions } from "./product.ts";
import { between, type Random, seededRandom } from "./random.ts";
import { Sites } from "./sites.ts";
import { endOffsets, makeTopic } from "./topic.ts";
import type { Variant } from "./variant.ts";

const PARTITIONS = 6;
const SITES = 20;

export interface RoundOptions {
  name: string;
  folder: string;
  seconds: number;
  seed: number;
}

function poolOf(dsn: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: dsn, max: 2, connectionTimeoutMillis: 5_000 });
  pool.on("error", () => {});
  return pool;
}

/** What a fault has at hand. */
export class Round {
  readonly lane: Lane;
  readonly random: Random;
  readonly seconds: number;
  readonly folder: string;
  readonly topic: string;
  readonly group: string;
  database: string;
  /** Straight to the database, past the proxy. */
  pool: pg.Pool;
  ledger!: Ledger;
  load!: Load;
  writers: Product[] = [];
  agents: Product[] = [];
  sites: Sites | null = null;
  troubles: string[] = [];
  agentEnds: number[] = [];
  isExpired: (ts: string) => boolean = () => false;
  /** What was done, for the report. */
  notes: string[] = [];
  /** The server with the results. */
  postgres: Postgres;
  /** Sources of the product, where they are not the project's. */
  #root: string | undefined;
  readonly #atEnd: (() => Promise<void>)[] = [];
  readonly #variant: Variant;

  constructor(lane: Lane, variant: Variant, options: RoundOptions) {
    this.lane = lane;
    this.#variant = variant;
    this.random = seededRandom(options.seed);
    this.seconds = options.seconds;
    this.folder = options.folder;
    const id = options.name.replace(/\W+/g, "_");
    this.topic = `torture-${id}`;
    this.group = `group-${id}`;
    this.database = `round_${id.toLowerCase()}`;
    this.postgres = lane.postgres;
    this.pool = poolOf(dsnOf(lane.postgres, this.database));
  }

  get brokers(): string[] {
    return this.lane.kafka.brokers;
  }

  /** Of the database, past the proxy. */
  get dsn(): string {
    return dsnOf(this.postgres, this.database);
  }

  /** Says what was done, in the round's line of the report. */
  note(text: string): void {
    this.notes.push(text);
  }

  /** Fails unless a process has printed one of `texts`: else the fault has hit nothing. */
  mustHavePrinted(products: readonly Product[], ...texts: string[]): void {
    if (products.some((product) => texts.some((text) => product.printed(text)))) return;
    throw new Error(`The fault hit nothing: nobody printed "${texts.join('" or "')}"`);
  }

  /** Runs `work` when the round is over, last in, first out. */
  atEnd(work: () => Promise<void>): void {
    this.#atEnd.push(work);
  }

  /** Keeps the results on another server than the lane's, in a new empty database. */
  async useDatabaseOf(postgres: Postgres): Promise<void> {
    await this.pool.end();
    this.postgres = postgres;
    this.database = "postgres";
    this.pool = poolOf(this.dsn);
    this.lane.postgresProxy.pointTo(postgres.port);
  }

  async prepare(): Promise<void> {
    const { lane, folder, database } = this;
    await mkdir(folder, { recursive: true });
    const { mutant } = this.#variant;
    if (mutant) {
      this.#root = await mutatedTree(join(folder, "mutant"), mutant.changes);
      await lane.makeEmptyDatabase(database);
      await initSchema(dsnOf(lane.postgres, database), this.#root);
    } else await lane.makeDatabase(database);
    await makeTopic(this.brokers, this.topic, PARTITIONS);
    if (this.#variant.agent) this.sites = new Sites();
    await this.#variant.setUp?.(this);
    await writeFile(join(folder, "config.yaml"), JSON.stringify(this.#config(), null, 2));
    this.ledger = await Ledger.open(join(folder, "ledger.jsonl"));
    this.load = new Load({
      brokers: [lane.kafkaProxy.address],
      topic: this.topic,
      ledger: this.ledger,
      random: this.random,
      ...this.#variant.load,
    });
  }

  startWriter(env?: Record<string, string>): Product {
    const writer = this.#start({ mode: "writer", env });
    this.writers.push(writer);
    return writer;
  }

  startAgent(env?: Record<string, string>): Product {
    const { denoArgs, env: always } = this.#variant.agentOptions ?? {};
    const agent = this.#start({ mode: "agent", env: { ...always, ...env }, denoArgs });
    this.agents.push(agent);
    return agent;
  }

  #start(options: Pick<ProductOptions, "mode" | "env" | "denoArgs">): Product {
    const { mode } = options;
    const number = (mode === "writer" ? this.writers : this.agents).length + 1;
    const log = join(this.folder, `${mode}-${number}.log`);
    return new Product({ ...options, cwd: this.folder, log, root: this.#root });
  }

  async stopWriter(writer: Product): Promise<void> {
    const trouble = await writer.stop();
    if (trouble !== null) this.troubles.push(trouble);
  }

  async stopAgent(agent: Product): Promise<void> {
    this.agentEnds.push(Date.now());
    const trouble = await agent.stop();
    if (trouble !== null) this.troubles.push(trouble);
  }

  async killAgent(agent: Product): Promise<void> {
    this.agentEnds.push(Date.now());
    await agent.kill();
  }

  async count(sql = "SELECT count(*) FROM mon_daily"): Promise<number> {
    const { rows: [row] } = await this.pool.query(sql);
    return Number(Object.values(row)[0]);
  }

  /** Waits for results to arrive, and then a moment by chance. */
  async underWay(): Promise<void> {
    // A writer that is held at a failpoint stores no more.
    const enough = async () => this.writers.some(({ held }) => held) || await this.count() > 100;
    await waitFor("the first rows", enough, 90_000, 250);
    await this.pause(500, 3_000);
  }

  pause(from: number, to: number): Promise<void> {
    return delay(between(this.random, from, to));
  }

  /** Waits until each partition is stored to its end. */
  async drained(ms: number): Promise<boolean> {
    const behind = async () => {
      const ends = await endOffsets(this.brokers, this.topic);
      const { rows } = await this.pool.query(
        "SELECT partition, next_offset FROM consumer_offsets WHERE topic = $1",
        [this.topic],
      );
      const stored = new Map(rows.map((row) => [row.partition, BigInt(row.next_offset)]));
      return [...ends].filter(([partition, end]) => (stored.get(partition) ?? 0n) !== end);
    };
    try {
      await waitFor(
        "no lag",
        () => behind().then((list) => list.length === 0, () => false),
        ms,
        500,
      );
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    const { kafkaProxy, postgresProxy } = this.lane;
    kafkaProxy.set("pass");
    postgresProxy.set("pass");
    postgresProxy.cutCommitReplies(0);
    for (const product of [...this.writers, ...this.agents]) {
      if (product.runs) await product.kill();
    }
    await this.sites?.close();
    await this.ledger?.close();
    await this.pool.end();
    if (this.postgres === this.lane.postgres) await this.lane.dropDatabase(this.database);
    for (const work of this.#atEnd.reverse()) await work();
    this.lane.postgresProxy.pointTo(this.lane.postgres.port);
    if (this.#root) await rm(this.#root, { recursive: true, force: true });
  }

  #config() {
    const { lane, topic, group, database, postgres, sites } = this;
    return {
      loglevel: "INFO",
      kafka: {
        monitoring: {
          bootstrap_servers: [lane.kafkaProxy.address],
          topic,
          consumer_group: group,
          batch_timeout_ms: 500,
        },
      },
      database: {
        writer: { dsn: dsnOf(postgres, database, lane.postgresProxy.port) },
      },
      agent: { state_dir: "state" },
      ...(sites && {
        websites: Object.fromEntries(
          Array.from({ length: SITES }, (_, i) => [
            `${sites.origin}/${i}`,
            { frequency: 1, timeout: 10 },
          ]),
        ),
      }),
    };
  }
}
