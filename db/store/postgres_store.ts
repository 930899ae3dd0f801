import type { ClientBase, Pool } from "pg";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { noFailpoints, type PassFailpoint } from "../../runtime/failpoints.ts";
import type { Logger } from "../../runtime/log.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { type DeadLetter, insertDeadLetters } from "./dead_letters.ts";
import { classifyFailure, isLocked, isMissingPartition } from "./failures.ts";
import { insertIsolating, type IsolatedTally } from "./isolate.ts";
import {
  advanceOffset,
  type BatchSource,
  insertOffset,
  lockOffset,
  moveOffset,
  readOffset,
  type StoredOffset,
} from "../offsets.ts";
import { ensurePartitions, partitionDays } from "../schema/partitions.ts";
import { Refusals } from "./refusals.ts";
import { insertResults, type InsertTally } from "./result_rows.ts";
import { daysOf, splitByDays } from "./split_by_days.ts";
import type { IncomingRecord, ResultStore, StoreOptions, StoreOutcome } from "./store.ts";
import { beginWithin, inTransaction, withClient } from "../connect/transaction.ts";

/** Of one transaction: each day's partition takes locks, and the server's table of them is small. */
const MAX_DAYS = 50;
/** Days whose partitions are made in one statement, which has a time to keep. */
const MAX_DAYS_MADE = 10;

type Stored = Extract<StoreOutcome, { kind: "stored" }>;
type Insert = (client: ClientBase, messages: readonly ResultMessage[]) => Promise<IsolatedTally>;

/** `ResultStore` over PostgreSQL; what its methods promise is written there. */
export class PostgresStore implements ResultStore {
  readonly #pool: Pool;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #begin: string;
  readonly #passFailpoint: PassFailpoint;
  readonly #onDeadLetters: NonNullable<StoreOptions["onDeadLetters"]>;
  /** Days that have partitions, as far as is known. */
  readonly #days = new Set<string>();
  /**
   * Partitions of which readOffset found nothing stored. Only they may get a first offset: elsewhere
   * a missing one means that the database was put back.
   */
  readonly #unstored = new Set<string>();
  readonly #refusals: Refusals;

  constructor(pool: Pool, options: StoreOptions) {
    const { log, clock = systemClock, onDeadLetters = () => {} } = options;
    this.#passFailpoint = options.passFailpoint ?? noFailpoints;
    this.#pool = pool;
    this.#onDeadLetters = onDeadLetters;
    this.#log = log;
    this.#clock = clock;
    this.#refusals = new Refusals(clock, log);
    this.#begin = beginWithin(options);
  }

  async readOffset(source: BatchSource): Promise<StoredOffset | null> {
    const stored = await this.#transaction((client) => readOffset(client, source));
    if (stored === null) this.#unstored.add(keyOf(source));
    else this.#unstored.delete(keyOf(source));
    return stored;
  }

  async moveOffset(source: BatchSource, from: bigint, to: bigint): Promise<boolean> {
    return await this.#transaction((client) => moveOffset(client, source, from, to));
  }

  async ensurePartitionsAhead(): Promise<number> {
    return await withClient(this.#pool, async (client) => {
      let made = 0, held: unknown;
      for (const day of partitionDays(this.#clock.now(), -1, 7)) {
        try {
          made += await inTransaction(client, this.#begin, () => ensurePartitions(client, [day]));
        } catch (error) {
          if (!isLocked(error)) throw error;
          held ??= error; // one that is being detached holds up no other day
        }
      }
      if (held !== undefined) throw held;
      return made;
    });
  }

  /** All that a writer does is in one: the server ends what waits too long only by its settings. */
  #transaction<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    return withClient(
      this.#pool,
      (client) => inTransaction(client, this.#begin, () => work(client)),
    );
  }

  async storeBatch(
    source: BatchSource,
    records: readonly IncomingRecord[],
    position: bigint,
  ): Promise<StoreOutcome> {
    if (records.length === 0) throw new RangeError("A batch has at least one record, found none");
    this.#refusals.begin(keyOf(source));
    try {
      return await withClient(this.#pool, async (client) => {
        let total: Stored | null = null;
        for (const part of splitByDays(records, MAX_DAYS)) {
          const outcome = await this.#storePart(
            client,
            source,
            part,
            total?.nextOffset ?? position,
          );
          if (outcome.kind === "moved") return outcome;
          total = total === null ? outcome : sum(total, outcome);
        }
        return total!;
      });
    } catch (error) {
      if (classifyFailure(error) === "operational") this.#refusals.forget(keyOf(source));
      throw error;
    }
  }

  async #storePart(
    client: ClientBase,
    source: BatchSource,
    records: readonly IncomingRecord[],
    position: bigint,
  ): Promise<StoreOutcome> {
    let insert: Insert = insertTogether;
    let partitionsMade = false;
    while (true) {
      await this.#ensureDays(client, records);
      try {
        return await this.#attempt(client, source, records, position, insert);
      } catch (error) {
        if (isMissingPartition(error) && !partitionsMade) {
          this.#days.clear();
          partitionsMade = true;
        } else if (classifyFailure(error) === "data" && insert === insertTogether) {
          insert = insertIsolating;
        } else throw error;
      }
    }
  }

  async #ensureDays(client: ClientBase, records: readonly IncomingRecord[]): Promise<void> {
    const missing = [...daysOf(records)].filter((day) => !this.#days.has(day));
    for (let start = 0; start < missing.length; start += MAX_DAYS_MADE) {
      const days = missing.slice(start, start + MAX_DAYS_MADE);
      // In a transaction of its own, for its timeouts: a lock may be held by someone for long.
      await inTransaction(client, this.#begin, () => ensurePartitions(client, days));
      for (const day of days) this.#days.add(day);
    }
  }

  async #attempt(
    client: ClientBase,
    source: BatchSource,
    records: readonly IncomingRecord[],
    position: bigint,
    insert: Insert,
  ): Promise<StoreOutcome> {
    const key = keyOf(source);
    const letters: DeadLetter[] = [];
    const outcome = await inTransaction<StoreOutcome>(client, this.#begin, async () => {
      let stored = await lockOffset(client, source);
      if (stored === null && this.#unstored.has(key)) {
        await insertOffset(client, source, position);
        stored = await lockOffset(client, source);
      }
      if (stored === null || stored < position) return { kind: "moved", storedOffset: stored };

      const done = stored;
      const fresh = records.filter(({ offset }) => offset >= done);
      const skipped = records.length - fresh.length;
      const last = fresh.at(-1);
      if (!last) {
        return {
          kind: "stored",
          inserted: 0,
          duplicates: 0,
          deadLetters: 0,
          skipped,
          nextOffset: stored,
        };
      }
      const tally = await this.#insert(client, source, fresh, insert, letters);
      this.#passFailpoint("store.mid_insert");
      await insertDeadLetters(client, source, letters);
      await advanceOffset(client, source, last);
      this.#passFailpoint("store.before_commit");
      return {
        kind: "stored",
        inserted: tally.inserted,
        duplicates: tally.duplicates,
        deadLetters: letters.length,
        skipped,
        nextOffset: last.offset + 1n,
      };
    });
    if (outcome.kind === "stored") {
      this.#passFailpoint("store.after_commit");
      this.#unstored.delete(key);
      // Not where all of it was stored before, the first part of a batch that is tried again.
      if (outcome.skipped < records.length) this.#refusals.forget(key);
      this.#report(source, letters);
    }
    return outcome;
  }

  /** Inserts what decoded, and adds to `letters` what became none of the rows. */
  async #insert(
    client: ClientBase,
    source: BatchSource,
    records: readonly IncomingRecord[],
    insert: Insert,
    letters: DeadLetter[],
  ): Promise<InsertTally> {
    const results: IncomingRecord[] = [];
    const messages: ResultMessage[] = [];
    for (const record of records) {
      if (record.decoded.ok) {
        results.push(record);
        messages.push(record.decoded.message);
      } else {
        letters.push(toLetter(record, record.decoded.reason, record.decoded.detail));
      }
    }
    const tally = await insert(client, messages);
    for (const index of tally.taken) {
      const { ts, agentUUID } = messages[index]!;
      const detail = `Another result of agent ${agentUUID} for this site has the ts "${ts}"`;
      letters.push(toLetter(results[index]!, "key_taken", detail));
    }
    if (tally.failed.length > 0) {
      this.#refusals.judge(keyOf(source), source, results, tally);
      for (const { index, error } of tally.failed) {
        letters.push(toLetter(results[index]!, "store_failed", describe(error)));
      }
    }
    return tally;
  }

  /** At ERROR, which is what the default loglevel shows. */
  #report({ topic, partition }: BatchSource, letters: readonly DeadLetter[]): void {
    if (letters.length === 0) return;
    const reasons: Record<string, number> = {};
    for (const { reason } of letters) reasons[reason] = (reasons[reason] ?? 0) + 1;
    this.#onDeadLetters(reasons);
    this.#log.error(
      { topic, partition, reasons, firstOffset: String(letters[0]!.offset) },
      'Set records aside in the table "dead_letters"',
    );
  }
}

async function insertTogether(
  client: ClientBase,
  messages: readonly ResultMessage[],
): Promise<IsolatedTally> {
  return { ...await insertResults(client, messages), failed: [] };
}

function toLetter({ offset, key, value }: IncomingRecord, reason: string, detail: string) {
  return { offset, key, value, reason, detail };
}

function describe(error: Error): string {
  const { code, detail } = error as { code?: string; detail?: string };
  return `${code ?? error.name}: ${error.message}${detail ? ` (${detail})` : ""}`;
}

function keyOf({ clusterId, topic, partition }: BatchSource): string {
  return `${clusterId}/${topic}/${partition}`;
}

function sum(first: Stored, second: Stored): Stored {
  return {
    kind: "stored",
    inserted: first.inserted + second.inserted,
    duplicates: first.duplicates + second.duplicates,
    deadLetters: first.deadLetters + second.deadLetters,
    skipped: first.skipped + second.skipped,
    nextOffset: second.nextOffset,
  };
}
