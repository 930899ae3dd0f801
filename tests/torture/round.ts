import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import type { Postgres } from "../../local/postgres/postgres.ts";
import { ROOT } from "../../scripts/build/project.ts";
import type { Expired } from "./check/compare_results.ts";
import { Alerting } from "./seen/alerting.ts";
import type { AlertEvidence } from "./check/compare_alerts.ts";
import { configOf } from "./product/config.ts";
import { dsnOf, initSchema, type Lane } from "./lane.ts";
import { Ledger } from "./load/ledger.ts";
import { delay, Load } from "./load/load.ts";
import { LOAD_AGENT } from "./load/messages.ts";
import { mutatedTree } from "./product/mutated_tree.ts";
import type { Observed } from "./seen/observe.ts";
import { HEALED_WITHIN_S, soon, type Took, until } from "./patience.ts";
import { clockAhead, Product, type ProductOptions } from "./product/product.ts";
import { between, type Random, seededRandom } from "./load/random.ts";
import { Sites } from "./load/sites.ts";
import { Stalls } from "./seen/stalls.ts";
import { endOffsets, makeTopic, PARTITIONS } from "./seen/topic.ts";
import type { Variant } from "./product/variant.ts";

/** Seconds; past the 60 of I7, to tell slow from never. */
const DRAIN_S = 100;
/** Sites of a round's agent, each checked once a second; more where there are alerters. */
const SITES = { few: 20, alerted: 60 };

export interface RoundOptions {
  name: string;
  folder: string;
  seconds: number;
  seed: number;
}

function poolOf(dsn: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: dsn, max: 4 });
  // A fault ends connections, in use or idle; the next query tells.
  pool.on("connect", (client) => client.on("error", () => {}));
  pool.on("error", () => {});
  return pool;
}

/** Waits until alerters have decided on all of before a time. */
async function decided(pool: pg.Pool, time: number): Promise<void> {
  await until(`what is decided of before ${new Date(time).toISOString()}`, async () => {
    const { rows: [{ now }] } = await pool.query("SELECT now FROM alert_rounds");
    return Number(now) >= time;
  });
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
  alerters: Product[] = [];
  sites: Sites | null = null;
  /** Of a round with alerters. */
  alerting: Alerting | null = null;
  /** What the observer has seen so far. */
  observed!: Observed;
  troubles: string[] = [];
  /** What each healing took; null: it did not heal. */
  healings: (Took | null)[] = [];
  /** The same, until all were told what there was to tell. */
  tellings: (Took | null)[] = [];
  /** What was done, for the report. */
  notes: string[] = [];
  /** Of the harness's own thread, since the round began. */
  readonly standstill = Stalls.watch();
  #maintainers = 0;
  /** Of the results before a time, which a retention has dropped. */
  expired: Expired | null = null;
  /** The server with the results. */
  postgres: Postgres;
  /** Of the product that is played with, a slash at the end. */
  root = ROOT;
  readonly #atEnd: (() => Promise<void>)[] = [];
  readonly #variant: Variant;
  readonly #seed: number;

  constructor(lane: Lane, variant: Variant, options: RoundOptions) {
    this.lane = lane;
    this.#variant = variant;
    this.#seed = options.seed;
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

  /** All processes so far that run until they are ended. */
  get products(): Product[] {
    return [...this.writers, ...this.agents, ...this.alerters];
  }

  /** Of those that run. */
  get pids(): number[] {
    return this.products.filter(({ runs }) => runs).map(({ pid }) => pid);
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

  /** Fails where `condition` does not hold: then the fault has hit nothing. */
  mustHave(condition: boolean, what: string): void {
    if (!condition) throw new Error(`The fault hit nothing: ${what}`);
  }

  /** Fails unless a process has printed one of `texts`. */
  mustHavePrinted(products: readonly Product[], ...texts: string[]): void {
    const printed = products.some((product) => product.times(...texts) > 0);
    this.mustHave(printed, `nobody printed "${texts.join('" or "')}"`);
  }

  /** Waits until a process has printed `text`. */
  async prints(product: Product, text: string): Promise<void> {
    await until(`"${text}" of the ${product.mode}`, () => product.times(text) > 0);
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
    const { lane, folder } = this;
    await mkdir(folder, { recursive: true });
    const { mutant, alerters } = this.#variant;
    if (mutant) this.root = await mutatedTree(join(folder, "mutant"), mutant.changes);
    await this.#makeDatabase(this.database);
    await makeTopic(this.brokers, this.topic, PARTITIONS);
    if (this.#variant.agent ?? true) {
      this.sites = await Sites.start(alerters ? SITES.alerted : SITES.few);
    }
    if (alerters) this.alerting = await Alerting.start(this.sites!);
    await this.#variant.setUp?.(this);
    await writeFile(join(folder, "config.yaml"), JSON.stringify(this.#config(), null, 2));
    this.ledger = await Ledger.open(join(folder, "ledger.jsonl"));
    this.load = new Load({
      brokers: [lane.kafkaProxy.address],
      topic: this.topic,
      ledger: this.ledger,
      // Of its own: how many results are made before a fault is due depends on the machine.
      random: seededRandom(this.#seed ^ 0x5bd1e995),
      ...this.#variant.load,
    });
  }

  async #makeDatabase(name: string): Promise<void> {
    const { lane, root } = this;
    if (root === ROOT) return await lane.makeDatabase(name);
    await lane.makeEmptyDatabase(name);
    await initSchema(dsnOf(lane.postgres, name), root);
  }

  startWriter(env?: Record<string, string>): Product {
    return this.#start("writer", this.writers, { env });
  }

  startAgent(env?: Record<string, string>): Product {
    const { env: ahead, denoArgs } = clockAhead(this.#variant.agentAheadMs ?? 0);
    return this.#start("agent", this.agents, { env: { ...ahead, ...env }, denoArgs });
  }

  startAlerter(aheadMs = 0): Product {
    return this.#start("alerts", this.alerters, clockAhead(aheadMs));
  }

  #config() {
    return { ...configOf(this), ...this.#variant.config };
  }

  /** Starts one round of upkeep, with a retention of its own. */
  startMaintainer(
    { retention, env, denoArgs }: Pick<ProductOptions, "env" | "denoArgs"> & { retention?: object },
  ): Product {
    const { database, ...rest } = this.#config();
    const config = { ...rest, database: { ...database, retention } };
    const name = `maintainer-${++this.#maintainers}`;
    return this.#startApart(name, { mode: "maintain", config, env, denoArgs });
  }

  /** Starts a process with a folder and a config of its own. */
  #startApart(
    name: string,
    { config, ...options }: Pick<ProductOptions, "mode" | "env" | "denoArgs"> & { config: unknown },
  ): Product {
    const cwd = join(this.folder, name);
    mkdirSync(cwd);
    writeFileSync(join(cwd, "config.yaml"), JSON.stringify(config, null, 2));
    const product = new Product({ ...options, cwd, log: join(cwd, "log"), root: this.root });
    this.atEnd(() => product.kill());
    return product;
  }

  #start(
    mode: ProductOptions["mode"],
    products: Product[],
    options: Pick<ProductOptions, "env" | "denoArgs">,
  ): Product {
    const log = join(this.folder, `${mode}-${products.length + 1}.log`);
    const product = new Product({ ...options, mode, cwd: this.folder, log, root: this.root });
    products.push(product);
    return product;
  }

  /** Asks a process to stop, and notes what is wrong with how it does. */
  async stop(product: Product): Promise<void> {
    const trouble = await product.stop();
    if (trouble !== null) this.troubles.push(trouble);
  }

  async count(sql = "SELECT count(*) FROM mon_daily"): Promise<number> {
    const { rows: [row] } = await this.pool.query(sql);
    return Number(Object.values(row)[0]);
  }

  /** Waits for results to arrive, and then a moment by chance. */
  async underWay(): Promise<void> {
    // A writer that is held at a failpoint stores no more.
    const enough = async () => this.writers.some(({ held }) => held) || await this.count() > 100;
    await until("the first rows", enough, 250);
    await this.pause(500, 3_000);
  }

  pause(from: number, to: number): Promise<void> {
    return delay(between(this.random, from, to));
  }

  /** Waits until each partition is stored to its end. @returns Null: that does not come */
  stored(): Promise<Took | null> {
    // Past the end is what is left of a topic that was made anew.
    return this.#soon(() => this.#isStored((next, end) => next === end));
  }

  /**
   * Waits until what is there now is in the tables, though load and checks may go on: what was made,
   * what is in the topic, and of each site a check of from now on; and until what alerters have to tell
   * of is told.
   */
  async hasHealed(): Promise<void> {
    const { made } = this.load;
    const since = Date.now();
    let ends: Map<number, bigint> | null = null;
    const telling = this.alerting && this.hasTold();
    const took = await this.#soon(async () => {
      if (this.load.acknowledged < made) return false;
      const until = ends ??= await endOffsets(this.brokers, this.topic);
      return await this.#isStored((next, _, partition) => next >= until.get(partition)!) &&
        await this.#sitesSeen(since);
    });
    this.healings.push(took);
    await telling;
  }

  /** Waits until all channels were told of the outages so far. */
  async hasTold(): Promise<void> {
    // What did not come in time once is not waited for again.
    if (this.tellings.includes(null)) return;
    this.tellings.push(await this.#soon(() => Promise.resolve(this.alerting!.allTold())));
  }

  /** Waits until the alerters have decided on all of before now. @returns Now; null: there are none */
  async allDecided(): Promise<number | null> {
    if (!this.alerting) return null;
    const now = Date.now();
    await decided(this.pool, now);
    return now;
  }

  /** What became of the round's alerts, and what an alerter makes of the topic that reads it anew. */
  async alertEvidence(until: number): Promise<AlertEvidence> {
    const { alerting, tellings } = this;
    const database = `${this.database}_again`;
    await this.#makeDatabase(database);
    const dsn = dsnOf(this.postgres, database);
    const pool = poolOf(dsn);
    this.atEnd(async () => {
      await pool.end();
      await this.lane.dropDatabase(database);
    });
    // When Kafka was away is not in the topic.
    const { rows: [{ spells }] } = await this.pool.query("SELECT spells FROM alert_rounds");
    await pool.query("UPDATE alert_rounds SET spells = $1", [JSON.stringify(spells)]);
    const config = this.#config();
    config.kafka.monitoring.consumer_group += "-again";
    const nobody = { alerts: undefined, defaults: undefined };
    const alerter = this.#startApart("again", {
      mode: "alerts",
      config: { ...config, ...nobody, database: { writer: { dsn } } },
    });
    await decided(pool, until);
    await this.stop(alerter);
    return {
      outages: alerting!.outages,
      taken: alerting!.taken,
      tellings,
      until,
      sites: this.sites!.urls,
      againDsn: dsn,
    };
  }

  #soon(condition: () => Promise<boolean>): Promise<Took | null> {
    const limit = this.#variant.mutant ? HEALED_WITHIN_S : DRAIN_S;
    return soon(limit, () => this.pids, condition);
  }

  async #isStored(
    isDone: (next: bigint, end: bigint, partition: number) => boolean,
  ): Promise<boolean> {
    const ends = await endOffsets(this.brokers, this.topic);
    const { rows } = await this.pool.query(
      "SELECT partition, next_offset FROM consumer_offsets WHERE consumer = 'writer' AND topic = $1",
      [this.topic],
    );
    const next = new Map(rows.map((row) => [row.partition, BigInt(row.next_offset)]));
    return [...ends].every(([partition, end]) => isDone(next.get(partition) ?? 0n, end, partition));
  }

  /** Whether a check of each site that began after `since` is in the table, where an agent runs. */
  async #sitesSeen(since: number): Promise<boolean> {
    if (!this.agents.some(({ runs }) => runs)) return true;
    const shiftMs = this.#variant.agentAheadMs ?? 0;
    const { rows } = await this.pool.query(
      `SELECT DISTINCT url FROM mon_daily
       WHERE agent <> $1 AND ts > to_timestamp($2 / 1000.0) AT TIME ZONE 'UTC'`,
      [LOAD_AGENT, since + shiftMs],
    );
    return rows.length === this.sites!.urls.length;
  }

  /** Ends what is left of the round, all of it whatever fails. @throws With what failed */
  async close(): Promise<void> {
    const { kafkaProxy, postgresProxy } = this.lane;
    kafkaProxy.set("pass");
    postgresProxy.set("pass");
    postgresProxy.cutReplies(0);
    postgresProxy.cutRequests(0);
    this.load?.stop();
    this.standstill.end();
    const steps = [
      ...this.products.map((product) => () => product.kill()),
      () => this.alerting?.close(),
      () => this.sites?.close(),
      () => this.ledger?.close(),
      () => this.pool.end(),
      ...this.postgres === this.lane.postgres ? [() => this.lane.dropDatabase(this.database)] : [],
      ...this.#atEnd.reverse(),
      () => this.root !== ROOT && rm(this.root, { recursive: true, force: true }),
    ];
    const failures: string[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    postgresProxy.pointTo(this.lane.postgres.port);
    if (failures.length > 0) throw new Error(`Cleaning up failed: ${failures.join("; ")}`);
  }
}
