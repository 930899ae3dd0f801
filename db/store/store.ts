import { Buffer } from "node:buffer";
import type { Pool } from "pg";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { noFailpoints, type PassFailpoint } from "../../runtime/failpoints.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { recordHash } from "../../runtime/record_hash.ts";
import { beginWithin, type ServerTimeouts } from "../connect/transaction.ts";
import { partitionDays } from "../schema/partitions.ts";
import { StoreCalls } from "./calls.ts";
import { classifyFailure, isLocked, isTimeout } from "./failures.ts";
import { type DeadLetter, describe, encodeLetter, toLetter } from "./letters.ts";
import {
  type BatchPlace,
  type Loaded,
  NOTHING_STORED,
  type Stored,
  type StoreOutcome,
  sum,
} from "./outcome.ts";
import { encodeAll, messageOf, type Part, partsOf } from "./parts.ts";
import type { BatchSource, IncomingRecord } from "./records.ts";
import { Refusals, RefusedError } from "./refusals.ts";
import { nothingKnown } from "./shared.ts";

/** Settings of a store. */
export interface StoreOptions extends ServerTimeouts {
  log: Logger;
  /** @default systemClock */
  clock?: Clock;
  /** @default noFailpoints */
  passFailpoint?: PassFailpoint;
  /** Told of dead letters by reason, once their transaction is committed. */
  onDeadLetters?: (reasons: Readonly<Record<string, number>>) => void;
}

/** Each answer other than "stored" takes something away, so few are ever needed. */
const MAX_CALLS = 20;

/** Puts results into the database of `pool`, with the offsets that say what is done. */
export class ResultStore {
  readonly #calls: StoreCalls;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #passFailpoint: PassFailpoint;
  readonly #onDeadLetters: NonNullable<StoreOptions["onDeadLetters"]>;
  readonly #refusals: Refusals;
  readonly #known = nothingKnown();

  constructor(pool: Pool, options: StoreOptions) {
    const { log, clock = systemClock, onDeadLetters = () => {} } = options;
    this.#passFailpoint = options.passFailpoint ?? noFailpoints;
    this.#calls = new StoreCalls(pool, beginWithin(options), this.#passFailpoint);
    this.#onDeadLetters = onDeadLetters;
    this.#log = log;
    this.#clock = clock;
    this.#refusals = new Refusals(clock, log);
  }

  /**
   * Makes the partitions from yesterday's to that of seven days ahead; returns how many were new.
   *
   * @throws What a retry may mend; where a day is being detached, after all others were made
   */
  async ensurePartitionsAhead(): Promise<number> {
    let made = 0, held: unknown;
    for (const day of partitionDays(this.#clock.now(), -1, 7)) {
      try {
        made += await this.#calls.makePartitions([day]);
      } catch (error) {
        if (!isLocked(error)) throw error;
        held ??= error; // one that is being detached holds up no other day
      }
    }
    if (held !== undefined) throw held;
    return made;
  }

  /**
   * Stores a batch: rows, dead letters and the offset, all or nothing, in one call to the database (or
   * a few, where it is large or has something new in it). The lock on the offset keeps a writer that
   * lost the partition from storing beside the one that has it.
   *
   * What cannot be stored for good becomes a dead letter: what did not decode, a result of a day that
   * cannot be (`ts_out_of_range`), one whose identity another one has (`key_taken`), one that the
   * database refuses while it takes others of the batch, or all of a batch that it refuses for ten
   * minutes on end (`store_failed`).
   *
   * @param records At least one, in the order of their offsets
   * @throws What a retry of the same call may mend, with its SQLSTATE in `code`
   */
  async storeBatch(
    source: BatchSource,
    records: readonly IncomingRecord[],
    place: BatchPlace,
  ): Promise<StoreOutcome> {
    if (records.length === 0) throw new RangeError("A batch has at least one record, found none");
    this.#refusals.begin(keyOf(source));
    try {
      return await this.#storePieces(source, [records], place);
    } catch (error) {
      if (!(error instanceof RefusedError)) this.#refusals.forget(keyOf(source));
      throw error;
    }
  }

  /** A batch, or two halves of one, in as many calls as its bounds make of it. */
  async #storePieces(
    source: BatchSource,
    pieces: readonly (readonly IncomingRecord[])[],
    place: BatchPlace,
  ): Promise<StoreOutcome> {
    let total: Stored | null = null;
    for (const records of pieces) {
      for await (const part of partsOf(records, this.#known)) {
        const outcome = await this.#storePart(
          source,
          part,
          total === null ? place : { position: total.nextOffset, first: false },
        );
        if (outcome.kind === "moved") return outcome;
        total = total === null ? outcome : sum(total, outcome);
      }
    }
    return total!;
  }

  /** What is too much for one call, by its time or our memory, is halved; so is what a row spoils. */
  async #storePart(source: BatchSource, part: Part, place: BatchPlace): Promise<StoreOutcome> {
    const { records, results } = part;
    try {
      return await this.#send(source, part, place);
    } catch (error) {
      if (error instanceof RefusedError || classifyFailure(error) === "operational") throw error;
      if (records.length > 1) {
        return await this.#storePieces(source, halvesOf(records), place);
      }
      if (isTimeout(error)) throw error;
      this.#refusals.judge(keyOf(source), source, results, [error as Error]);
      const letter = toLetter(records[0]!, "store_failed", describe(error as Error));
      return await this.#send(
        source,
        { ...part, ...encodeAll([], this.#known), letters: [letter] },
        place,
      );
    }
  }

  /**
   * Stores results that come from no topic, each once: no offset moves and nothing becomes a dead
   * letter; `refused` is what would.
   *
   * @param replayed Whether the results' offsets are ids of dead letters, to be marked as stored
   * @throws What a retry of the same call may mend, with its SQLSTATE in `code`
   */
  storeResults(results: readonly IncomingRecord[], replayed = false): Promise<Loaded> {
    return this.#loadPieces([results], replayed);
  }

  async #loadPieces(
    pieces: readonly (readonly IncomingRecord[])[],
    replayed: boolean,
  ): Promise<Loaded> {
    const done: Loaded[] = [];
    for (const records of pieces) {
      for await (const part of partsOf(records, this.#known)) {
        done.push(await this.#loadPart(part, replayed));
      }
    }
    const total = (of: "inserted" | "duplicates" | "expired") =>
      done.reduce((sum, each) => sum + each[of], 0);
    return {
      inserted: total("inserted"),
      duplicates: total("duplicates"),
      expired: total("expired"),
      refused: done.flatMap(({ refused }) => refused),
    };
  }

  async #loadPart(part: Part, replayed: boolean): Promise<Loaded> {
    const { records } = part;
    try {
      const { answer, rest, letters, expired } = await this.#offer(
        null,
        part,
        () => ({}),
        replayed,
      );
      if (answer.kind !== "stored") throw new Error(`The database answers "${answer.kind}"`);
      const { inserted } = answer;
      return { inserted, duplicates: rest.length - inserted, expired, refused: letters };
    } catch (error) {
      if (classifyFailure(error) === "operational") throw error;
      if (records.length > 1) return await this.#loadPieces(halvesOf(records), replayed);
      if (isTimeout(error)) throw error;
      const refused = [toLetter(records[0]!, "store_failed", describe(error as Error))];
      return { inserted: 0, duplicates: 0, expired: 0, refused };
    }
  }

  async #send(source: BatchSource, part: Part, place: BatchPlace): Promise<StoreOutcome> {
    const last = part.records.at(-1)!;
    const nextOffset = last.offset + 1n;
    const { answer, rest, letters, expired } = await this.#offer(
      source,
      part,
      (letters) => ({
        source: { ...source, cluster: source.clusterId },
        begin: place.first,
        position: String(place.position),
        next: String(nextOffset),
        last_timestamp: String(last.timestamp),
        last_hash: Buffer.from(recordHash(last)).toString("hex"),
        letters: letters.map(encodeLetter),
      }),
    );
    if (answer.kind === "moved") return await this.#catchUp(source, part, place, answer.at);
    this.#passFailpoint("store.after_commit");
    this.#refusals.forget(keyOf(source));
    this.#report(source, letters);
    return {
      kind: "stored",
      inserted: answer.inserted,
      duplicates: rest.length - answer.inserted,
      deadLetters: letters.length,
      expired,
      skipped: 0,
      nextOffset,
    };
  }

  /**
   * Calls the database until it takes the results or finds the offset moved; each answer says what to
   * change in them.
   *
   * @param envelope What goes with the results, given the letters
   * @returns `rest`, the results that were taken, and all letters
   */
  async #offer(
    source: BatchSource | null,
    { results: rest, letters, encoded, days }: Part,
    envelope: (letters: readonly DeadLetter[]) => Record<string, unknown>,
    replayed = false,
  ) {
    let expired = 0;
    const setAside = (
      indexes: readonly number[],
      reason: string,
      detail: (n: number) => string,
    ) => {
      letters = [...letters, ...indexes.map((n) => toLetter(rest[n]!, reason, detail(n)))];
    };
    for (let calls = 0; calls < MAX_CALLS; calls++) {
      const answer = await this.#calls.store(
        envelope(letters),
        encoded,
        days,
        replayed ? rest.map(({ offset }) => offset) : null,
      );
      switch (answer.kind) {
        case "stored":
        case "moved":
          return { answer, rest, letters, expired };
        case "unknown":
          await this.#calls.learn(encoded.things, answer.unknown);
          break;
        case "refused": {
          const { expired: old = [], out_of_range = [], taken = [], failed = [] } = answer;
          expired += old.length;
          setAside(
            out_of_range,
            "ts_out_of_range",
            (n) => `"${messageOf(rest[n]!).ts}" is over a day ahead, or more than ten years back`,
          );
          setAside(taken, "key_taken", (n) => {
            const { ts, agentUUID } = messageOf(rest[n]!);
            return `Another result of agent ${agentUUID} for this site has the ts "${ts}"`;
          });
          const errors = failed.map(({ code, message, detail }) =>
            Object.assign(new Error(message), { code, detail })
          );
          if (source && errors.length > 0) {
            this.#refusals.judge(keyOf(source), source, rest, errors);
          }
          for (const [index, { n }] of failed.entries()) {
            setAside([n], "store_failed", () => describe(errors[index]!));
          }
          const gone = new Set([...old, ...out_of_range, ...taken, ...failed.map(({ n }) => n)]);
          const left = rest.filter((_, n) => !gone.has(n));
          ({ results: rest, encoded, days } = encodeAll(left, this.#known));
        }
      }
    }
    throw new Error(`The database took no batch in ${MAX_CALLS} calls`);
  }

  /** Where another writer stored some of the part, the rest is ours; where the place went back, nothing. */
  async #catchUp(
    source: BatchSource,
    part: Part,
    { position }: BatchPlace,
    at: string | null,
  ): Promise<StoreOutcome> {
    const stored = at === null ? null : BigInt(at);
    if (stored === null || stored < position) return { kind: "moved", storedOffset: stored };
    const results = part.results.filter(({ offset }) => offset >= stored);
    const letters = part.letters.filter(({ offset, lastOffset = offset }) => lastOffset >= stored);
    const skipped = part.results.length + part.letters.length - results.length - letters.length;
    if (stored > part.records.at(-1)!.offset) {
      return { ...NOTHING_STORED, skipped, nextOffset: stored };
    }
    const rest = { ...part, letters, ...encodeAll(results, this.#known) };
    const outcome = await this.#send(source, rest, { position: stored, first: false });
    return outcome.kind === "moved" ? outcome : { ...outcome, skipped: outcome.skipped + skipped };
  }

  /** At ERROR, which is what the default loglevel shows. */
  #report({ topic, partition }: BatchSource, letters: readonly DeadLetter[]): void {
    if (letters.length === 0) return;
    const reasons: Record<string, number> = {};
    for (const { reason } of letters) reasons[reason] = (reasons[reason] ?? 0) + 1;
    this.#onDeadLetters(reasons);
    const advice = 'see "Reading a dead letter" in docs/runbook.md';
    this.#log.error(
      { advice, topic, partition, reasons, firstOffset: String(letters[0]!.offset) },
      'Set records aside in the table "dead_letters"',
    );
  }
}

function halvesOf<T>(records: readonly T[]): [readonly T[], readonly T[]] {
  const middle = records.length >> 1;
  return [records.slice(0, middle), records.slice(middle)];
}

function keyOf({ clusterId, topic, partition }: BatchSource): string {
  return `${clusterId}/${topic}/${partition}`;
}
