import { Partitioners, type Producer } from "kafkajs";
import { Buffer } from "node:buffer";
import { quietKafka } from "../../../local/kafka/client.ts";
import { type Ledger, recordToSend, type SentRecord } from "./ledger.ts";
import { resultOfSite } from "./messages.ts";
import { crowding, slowness } from "../patience.ts";
import { poisonRecords } from "./poison.ts";
import { between, type Random } from "./random.ts";

const TICK_MS = 100;
/** Of a hundred results, how many are sent twice, as by an agent that missed the acknowledgement. */
const TWICE_PERCENT = 2;
/** Of a hundred results, how many take the place of an earlier one, with another content. */
const CLASH_PERCENT = 0.2;
/** How often there is poison of every kind, and how often some that is too large. */
const POISON = {
  rare: { everyMs: 3_000, largeMs: 9_000 },
  dense: { everyMs: 100, largeMs: 2_000 },
};
const SITES = 100;
const DAY_US = 86_400_000_000;
/** Longer than any acknowledgement takes, and kafkajs may wait on a dead socket for ever. */
const SEND_WITHIN_MS = 12_000;

export interface LoadOptions {
  brokers: readonly string[];
  topic: string;
  ledger: Ledger;
  random: Random;
  /** Added to the time of each result. @default 0 */
  shiftMs?: number;
  /** How much poison is among the good ones. @default "rare" */
  poison?: keyof typeof POISON;
  /** Results that take the place of others: not where rows go and come back. @default true */
  clashes?: boolean;
  /** Whether results are among the poison that a constraint of the round's refuses. @default false */
  refused?: boolean;
  /** Over how many days the times of every tenth result are spread, back from today. @default 1 */
  days?: number;
  /** What a result says, by its time, microseconds since 1970. @default one of 100 sites of many kinds */
  resultAt?: (at: number) => { url: string };
  /** Of the topic, which gets all of it. @default as the keys say */
  partition?: number;
}

/** Results a second, where the machine has room; fewer where it could not store them. */
const RATE = 500;

/** An agent's part, without checks: results at a steady rate, each sent until it is acknowledged. */
export class Load {
  readonly #options: LoadOptions;
  #queue: { batch: number; records: readonly SentRecord[] }[] = [];
  #lastTs = 0;
  #made: SentRecord[] = [];
  #producer: Producer | null = null;
  #ticks = 0;
  #stopped = false;
  /** Whether results are being made now. */
  making = false;
  /** Batches made so far, and those of them that the broker has acknowledged. */
  made = 0;
  acknowledged = 0;
  /** Sends that failed. */
  failures = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /**
   * Makes results for `ms`, and on until `until` aborts, where it is given; resolves when the broker
   * has acknowledged all of them.
   */
  async run(ms: number, until?: AbortSignal): Promise<void> {
    this.making = true;
    const sending = (async () => {
      while (this.making || (this.#queue.length > 0 && !this.#stopped)) {
        if (this.#queue.length === 0) await delay(10);
        else await this.#sendSome();
      }
    })();
    const start = performance.now();
    let due = start;
    while (!this.#stopped && (performance.now() - start < ms || until?.aborted === false)) {
      const records = this.#makeBatch(RATE / slowness(await crowding()));
      const batch = await this.#options.ledger.sending(records);
      this.#queue.push({ batch, records });
      this.made++;
      due += TICK_MS;
      await delay(Math.max(0, due - performance.now()));
    }
    this.making = false;
    await sending;
    await this.#disconnect();
  }

  /** Lets go of what is not acknowledged yet: the round is given up. */
  stop(): void {
    this.#stopped = true;
  }

  async #sendSome(): Promise<void> {
    const { topic, ledger, partition } = this.#options;
    const some = this.#queue.slice(0, 20);
    try {
      const producer = this.#producer ??= await this.#connect();
      await within(
        SEND_WITHIN_MS,
        producer.send({
          topic,
          acks: -1,
          timeout: 5_000,
          messages: some.flatMap(({ records }) =>
            records.map((record) => ({ ...toMessage(record), partition }))
          ),
        }),
      );
      this.#queue.splice(0, some.length);
      await ledger.acknowledged(some.map(({ batch }) => batch));
      this.acknowledged += some.length;
    } catch {
      this.failures++;
      await this.#disconnect();
      await delay(300);
    }
  }

  async #connect(): Promise<Producer> {
    const producer = quietKafka(this.#options.brokers, {
      connectionTimeout: 3_000,
      requestTimeout: 6_000,
      retry: { retries: 0 },
    }).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
    });
    await within(SEND_WITHIN_MS, producer.connect());
    return producer;
  }

  async #disconnect(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    if (producer) await within(3_000, producer.disconnect()).catch(() => {});
  }

  #makeBatch(rate: number): SentRecord[] {
    const { random, clashes = true, poison = "rare", refused } = this.#options;
    const records: SentRecord[] = [];
    for (let i = 0; i < (rate * TICK_MS) / 1000; i++) {
      const record = this.#result();
      records.push(record);
      if (this.#made.length < 5_000) this.#made.push(record);
      const earlier = () => this.#made[between(random, 0, this.#made.length - 1)]!;
      if (random() * 100 < TWICE_PERCENT) records.push({ ...earlier(), again: true });
      if (clashes && random() * 100 < CLASH_PERCENT) records.push(this.#clashWith(earlier()));
    }
    const at = this.#ticks++ * TICK_MS;
    const { everyMs, largeMs } = POISON[poison];
    if (at % everyMs === 0) {
      const large = at % largeMs === 0;
      records.push(...poisonRecords(this.#ticks, this.#result().value!, { large, refused }));
    }
    return records;
  }

  /** A result for a place that is taken. */
  #clashWith({ value }: SentRecord): SentRecord {
    const result = JSON.parse(Buffer.from(value!, "base64").toString());
    return recordToSend({ ...result, responseCode: 418, responseTime: this.#ticks + 0.5 });
  }

  #result(): SentRecord {
    const { random, shiftMs = 0, days = 1, resultAt = this.#resultAt } = this.#options;
    this.#lastTs = Math.max(this.#lastTs + 1, (Date.now() + shiftMs) * 1000);
    const back = random() < 0.1 ? between(random, 0, days - 1) * DAY_US : 0;
    return recordToSend(resultAt(this.#lastTs - back));
  }

  #resultAt = (at: number) => {
    const { random } = this.#options;
    return resultOfSite(random, between(random, 1, SITES), at);
  };
}

function toMessage({ key, value }: SentRecord) {
  return { key, value: value === null ? null : Buffer.from(value, "base64") };
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** `work`, or a rejection after `ms`. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not done within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
