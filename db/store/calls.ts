import type { Pool } from "pg";
import type { PassFailpoint } from "../../runtime/failpoints.ts";
import { inOneTrip, type Parameter } from "../connect/one_trip.ts";
import { inTransaction, withClient } from "../connect/transaction.ts";
import { ensurePartitions } from "../schema/partitions.ts";
import { ARGUMENTS, type EncodedResults } from "./batch.ts";
import { isMissingPartition } from "./failures.ts";
import { type Kind, KINDS, type Thing } from "./shared.ts";

/** What httpmon_store answers, see the migration. */
export type Answer =
  | { kind: "stored"; inserted: number }
  | { kind: "moved"; at: string | null }
  | { kind: "unknown"; unknown: Partial<Record<Kind, number[]>> }
  | {
    kind: "refused";
    expired?: number[];
    out_of_range?: number[];
    taken?: number[];
    failed?: { n: number; code: string; message: string; detail: string }[];
  };

/** Days whose partitions are made in one statement, which has a time to keep. */
const MAX_DAYS_MADE = 10;

/** By name, so that a writer goes on with a function that has got more of them. */
const STORE = `httpmon_store(batch => $1::jsonb, ${
  ARGUMENTS.map(([name, type], n) => `${name} => $${n + 2}::${type}[]`).join(", ")
})`;

/** Marks the dead letters of these ids where their results are stored. */
const STORE_REPLAYED = `WITH stored AS MATERIALIZED (SELECT ${STORE} AS answer), marked AS (
    UPDATE dead_letters SET replayed_at = now() FROM stored
    WHERE answer ->> 'kind' = 'stored' AND id = ANY ($${ARGUMENTS.length + 2}::int8[])
      AND replayed_at IS NULL
  ) SELECT answer FROM stored`;

/** The calls to the database's functions that storing takes, each in one transaction and one trip. */
export class StoreCalls {
  readonly #pool: Pool;
  readonly #begin: string;
  readonly #passFailpoint: PassFailpoint;
  /** Days that have partitions, as far as is known. */
  readonly #days = new Set<string>();

  /** @param begin SQL that begins a transaction and sets what holds in it */
  constructor(pool: Pool, begin: string, passFailpoint: PassFailpoint) {
    this.#pool = pool;
    this.#begin = begin;
    this.#passFailpoint = passFailpoint;
  }

  /**
   * Offers a batch. A day may have been detached since we saw its partition: it is made again, once.
   *
   * @param batch Fields of the function's argument, beside those of the results
   * @param days Of the results, "YYYY-MM-DD"
   * @param letters Ids of dead letters to be marked; null where the results are not from there
   */
  async store(
    batch: Record<string, unknown>,
    { arrays, fields }: EncodedResults,
    days: ReadonlySet<string>,
    letters: readonly bigint[] | null,
  ): Promise<Answer> {
    const text = letters ? STORE_REPLAYED : `SELECT ${STORE} AS answer`;
    const values: Parameter[] = [
      JSON.stringify({ ...batch, ...fields }),
      ...ARGUMENTS.map(([name]) => arrays[name]!),
      ...(letters ? [`{${letters.join(",")}}`] : []),
    ];
    const call = async () => JSON.parse((await this.#trip(text, values))[0]![0]!) as Answer;
    await this.#ensureDays(days);
    this.#passFailpoint("store.before_call");
    try {
      return await call();
    } catch (error) {
      if (!isMissingPartition(error)) throw error;
      this.#days.clear();
      await this.#ensureDays(days);
      return await call();
    }
  }

  /** Makes known what was answered as unknown. */
  async learn(
    things: EncodedResults["things"],
    unknown: Partial<Record<Kind, number[]>>,
  ): Promise<void> {
    for (const kind of KINDS) {
      const contents = unknown[kind]?.map((place): Thing => things[kind].list[place]!);
      if (contents === undefined) continue;
      await this.#trip("SELECT httpmon_learn($1, $2::jsonb)", [kind, JSON.stringify(contents)]);
    }
  }

  /** In a transaction of its own, for its timeouts: a lock may be held by someone for long. */
  makePartitions(days: readonly string[]): Promise<number> {
    return withClient(
      this.#pool,
      (client) => inTransaction(client, this.#begin, () => ensurePartitions(client, days)),
    );
  }

  async #ensureDays(days: ReadonlySet<string>): Promise<void> {
    const missing = [...days].filter((day) => !this.#days.has(day));
    for (let start = 0; start < missing.length; start += MAX_DAYS_MADE) {
      await this.makePartitions(missing.slice(start, start + MAX_DAYS_MADE));
    }
    for (const day of missing) this.#days.add(day);
  }

  #trip(text: string, values: readonly Parameter[]) {
    return withClient(this.#pool, (client) => inOneTrip(client, this.#begin, text, values));
  }
}
