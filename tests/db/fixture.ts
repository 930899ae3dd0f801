import type pg from "pg";
import { createOffsets, type StoredOffset } from "../../consume/offsets.ts";
import { createPool } from "../../db/connect/pool.ts";
import type { BatchSource, IncomingRecord } from "../../db/store/records.ts";
import type { StoreOutcome } from "../../db/store/outcome.ts";
import { ResultStore, type StoreOptions } from "../../db/store/store.ts";
import { decode } from "../../wire/decode.ts";
import { encode } from "../../wire/encode.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { type LogLine, recordingLog } from "../support/recording_log.ts";
import { freshDatabase } from "../support/stack.ts";

/** A database of one test with a pool of our own kind. */
export interface OwnDatabase {
  dsn: string;
  pool: pg.Pool;
  lines: LogLine[];
  // deno-lint-ignore no-explicit-any
  rows(sql: string, values?: unknown[]): Promise<any[]>;
  /** The one value of a query that gives one. */
  value(sql: string, values?: unknown[]): Promise<unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes one for `await using`; `empty` has no tables. */
export async function ownDatabase(
  options: { empty?: boolean; max?: number } = {},
): Promise<OwnDatabase> {
  const { dsn, drop } = await freshDatabase(options);
  const log = recordingLog();
  const pool = createPool(dsn, {
    max: options.max ?? 4,
    applicationName: "httpmon-test",
    // Some tests ask for all of 300,000 rows.
    queryTimeoutMs: 240_000,
    log,
  });
  const rows = async (sql: string, values?: unknown[]) => (await pool.query(sql, values)).rows;
  return {
    dsn,
    pool,
    lines: log.lines,
    rows,
    value: async (sql, values) => Object.values((await rows(sql, values))[0] ?? {})[0],
    async [Symbol.asyncDispose]() {
      await pool.end();
      await drop();
    },
  };
}

/** `dsn` with another login or database. */
export function otherDsn(dsn: string, changes: { user?: string; password?: string }): string {
  const url = new URL(dsn);
  if (changes.user) url.username = changes.user;
  if (changes.password) url.password = changes.password;
  return url.href;
}

export const SOURCE: BatchSource = {
  consumer: "writer",
  clusterId: "cluster",
  topic: "monitoring",
  partition: 0,
};

/** A store and the offsets beside it, used as a consumer uses them. */
export class OwnStore {
  readonly #store: ResultStore;
  readonly #offsets;
  /** Partitions of which `readOffset` found nothing. */
  readonly #unstored = new Set<string>();

  constructor(pool: pg.Pool, options: StoreOptions) {
    this.#store = new ResultStore(pool, options);
    this.#offsets = createOffsets(pool, options);
  }

  async readOffset(source: BatchSource): Promise<StoredOffset | null> {
    const found = await this.#offsets.read(source, [source.partition]);
    if (found.size === 0) this.#unstored.add(JSON.stringify(source));
    return found.get(source.partition) ?? null;
  }

  moveOffset(source: BatchSource, from: bigint, to: bigint): Promise<boolean> {
    return this.#offsets.move(source, from, to, false);
  }

  async storeBatch(
    source: BatchSource,
    records: readonly IncomingRecord[],
    position: bigint,
  ): Promise<StoreOutcome> {
    const key = JSON.stringify(source);
    const first = this.#unstored.has(key);
    const outcome = await this.#store.storeBatch(source, records, { position, first });
    if (outcome.kind === "stored") this.#unstored.delete(key);
    return outcome;
  }

  ensurePartitionsAhead(): Promise<number> {
    return this.#store.ensurePartitionsAhead();
  }
}

export const AGENT = "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e4f";

/** A result of second `n` of a day; `changes` on top. */
export function result(n: number, changes: Partial<ResultMessage> = {}): ResultMessage {
  const time = new Date(Date.UTC(2026, 4, 1) + n * 1000).toISOString();
  return {
    ts: `${time.slice(0, 10)} ${time.slice(11, 19)}.000123`,
    agentUUID: AGENT,
    url: "https://one.example/",
    regexResult: true,
    responseCode: 200,
    responseTime: 12.5,
    errorMessage: null,
    verdict: "up",
    ...changes,
  };
}

/** A record that holds `message`, or these bytes. */
export function record(
  offset: number,
  message: ResultMessage | Uint8Array | null,
  key: string | null = "key",
): IncomingRecord {
  const encoder = new TextEncoder();
  const value = message === null || message instanceof Uint8Array
    ? message
    : encoder.encode(encode(message));
  return {
    offset: BigInt(offset),
    timestamp: 1_777_600_000_000n + BigInt(offset),
    key: key === null ? null : encoder.encode(key),
    value,
    decode: () => decode(value),
  };
}

/** Records of results, with offsets from `first` on. */
export function records(first: number, messages: readonly ResultMessage[]): IncomingRecord[] {
  return messages.map((message, index) => record(first + index, message));
}
