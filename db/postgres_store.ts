import type { ClientBase, Pool } from "pg";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { noFailpoints, type PassFailpoint } from "../runtime/failpoints.ts";
import type { Logger } from "../runtime/log.ts";
import type { ResultMessage } from "../wire/message.ts";
import { type DeadLetter, insertDeadLetters } from "./dead_letters.ts";
import { classifyFailure, isMissingPartition } from "./failures.ts";
import { insertIsolating, type IsolatedTally } from "./isolate.ts";
import {
  advanceOffset,
  type BatchSource,
  insertOffset,
  lockOffset,
  moveOffset,
  readOffset,
  type StoredOffset,
} from "./offsets.ts";
import { ensurePartitions, partitionDays } from "./partitions.ts";
import { insertResults, type InsertTally } from "./result_rows.ts";
import type { IncomingRecord, ResultStore, StoreOptions, StoreOutcome } from "./store.ts";
import { inTransaction, withClient } from "./transaction.ts";

/** A lock that is held longer than a frozen writer can hold one is worth an error, and a retry. */
const LOCK_TIMEOUT_MS = 30_000;
const STATEMENT_TIMEOUT_MS = 60_000;
/** A result that fails with no others to compare with is set aside at this failure. */
const LONE_FAILURES = 5;
/** Results that fail all together are set aside at this one, a minute later: the database may mend. */
const COMMON_FAILURES = 10;
/** Of one transaction: each day's partition takes locks, and the server's table of them is small. */
const MAX_DAYS = 50;

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
  /** By partition: the first of the records that failed with no others passing, and how often. */
  readonly #commonFailures = new Map<string, { offset: bigint; times: number }>();

  constructor(pool: Pool, options: StoreOptions) {
    const { log, clock, idleInTransactionMs = 20_000, onDeadLetters = () => {} } = options;
    this.#passFailpoint = options.passFailpoint ?? noFailpoints;
    this.#pool = pool;
    this.#onDeadLetters = onDeadLetters;
    this.#log = log;
    this.#clock = clock ?? systemClock;
    this.#begin = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
      SET LOCAL idle_in_transaction_session_timeout = ${idleInTransactionMs};
      SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS};
      SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`;
  }

  async readOffset(source: BatchSource): Promise<StoredOffset | null> {
    const stored = await readOffset(this.#pool, source);
    if (stored === null) this.#unstored.add(keyOf(source));
    else this.#unstored.delete(keyOf(source));
    return stored;
  }

  async moveOffset(source: BatchSource, from: bigint, to: bigint): Promise<boolean> {
    return await moveOffset(this.#pool, source, from, to);
  }

  async ensurePartitionsAhead(): Promise<number> {
    return await ensurePartitions(this.#pool, partitionDays(this.#clock.now(), -1, 7));
  }

  async storeBatch(
    source: BatchSource,
    records: readonly IncomingRecord[],
    position: bigint,
  ): Promise<StoreOutcome> {
    if (records.length === 0) throw new RangeError("A batch has at least one record, found none");
    return await withClient(this.#pool, async (client) => {
      let total: Stored | null = null;
      for (const part of splitByDays(records, MAX_DAYS)) {
        const outcome = await this.#storePart(client, source, part, total?.nextOffset ?? position);
        if (outcome.kind === "moved") return outcome;
        total = total === null ? outcome : sum(total, outcome);
      }
      return total!;
    });
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
    const missing = new Set<string>();
    for (const { decoded } of records) {
      if (!decoded.ok) continue;
      const day = dayOf(decoded.message);
      if (!this.#days.has(day)) missing.add(day);
    }
    if (missing.size === 0) return;
    // In a transaction of its own, for its timeouts: a lock may be held by someone for long.
    await inTransaction(client, this.#begin, () => ensurePartitions(client, [...missing]));
    for (const day of missing) this.#days.add(day);
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
      const tally = await this.#insert(client, key, fresh, insert, letters);
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
      this.#commonFailures.delete(key);
      this.#report(source, letters);
    }
    return outcome;
  }

  /** Inserts what decoded, and adds to `letters` what became none of the rows. */
  async #insert(
    client: ClientBase,
    key: string,
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
      if (tally.failed.length === messages.length) this.#blameDatabase(key, results, tally);
      for (const { index, error } of tally.failed) {
        letters.push(toLetter(results[index]!, "store_failed", describe(error)));
      }
    }
    return tally;
  }

  /**
   * Where every result fails, the database may be at fault: that is thrown, to be tried again. Only
   * when the same ones failed several times over are they set aside, which loses nothing and lets
   * the partition go on.
   */
  #blameDatabase(key: string, results: readonly IncomingRecord[], tally: IsolatedTally): void {
    const { error } = tally.failed[0]!;
    const { offset } = results[0]!;
    const before = this.#commonFailures.get(key);
    const times = before?.offset === offset ? before.times + 1 : 1;
    this.#commonFailures.set(key, { offset, times });
    if (times >= (results.length === 1 ? LONE_FAILURES : COMMON_FAILURES)) return;
    if (results.length === 1) throw error;
    const message = `None of ${results.length} results can be stored, so the database may be at ` +
      `fault: ${error.message}`;
    throw Object.assign(new Error(message, { cause: error }), {
      code: (error as { code?: string }).code,
    });
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

/** Cuts a batch where it would have results of over `most` days. */
function splitByDays(
  records: readonly IncomingRecord[],
  most: number,
): (readonly IncomingRecord[])[] {
  const parts: (readonly IncomingRecord[])[] = [];
  let days = new Set<string>();
  let start = 0;
  for (const [index, { decoded }] of records.entries()) {
    if (!decoded.ok) continue;
    const day = dayOf(decoded.message);
    if (days.has(day)) continue;
    if (days.size === most) {
      parts.push(records.slice(start, index));
      start = index;
      days = new Set();
    }
    days.add(day);
  }
  parts.push(records.slice(start));
  return parts;
}

/** "YYYY-MM-DD", UTC. */
function dayOf({ ts }: ResultMessage): string {
  return ts.slice(0, 10);
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
