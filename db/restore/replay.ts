import type { Pool } from "pg";
import { decode } from "../../wire/decode.ts";
import { readTime } from "../connect/read_time.ts";
import { inTransaction, withClient } from "../connect/transaction.ts";
import type { IncomingRecord } from "../store/records.ts";
import type { ResultStore } from "../store/store.ts";
import { toResult } from "./restore.ts";

/** Which dead letters are tried; null and absent mean all. */
export interface ReplayFilter {
  reason?: string | null;
  /** Those that were set aside from this time on. */
  since?: string | null;
  /** Tries nothing: `stored` is then what would be. */
  dryRun?: boolean;
}

/** What became of dead letters. */
export interface Replayed {
  /** Put into the table, or found there. */
  stored: number;
  /** Of days that the retention has dropped; they stay. */
  expired: number;
  /** Those that cannot be stored still, by their reasons now. */
  failed: Record<string, number>;
  /** Batches that nobody could read: only their first bytes were kept. */
  unreadable: number;
}

interface Letter {
  id: string;
  value: Uint8Array | null;
  reason: string;
}

/** Letters in memory at a time; one has a megabyte at most. */
const BATCH = 50;

/**
 * Stores dead letters whose cause is gone, and marks each in the transaction that stores its result.
 * One that fails again stays, and tells by its reason and detail why it does now.
 *
 * @throws What a retry may mend; what was stored stays
 */
export async function replay(
  pool: Pool,
  store: ResultStore,
  { reason = null, since, dryRun = false }: ReplayFilter,
  signal?: AbortSignal,
): Promise<Replayed> {
  const from = await withClient(
    pool,
    (client) =>
      inTransaction(
        client,
        "BEGIN; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'",
        () => readTime(client, "since", since ?? "-infinity"),
      ),
  );
  const done: Replayed = { stored: 0, expired: 0, failed: {}, unreadable: 0 };
  const fail = async (id: string, reason: string, detail: string) => {
    done.failed[reason] = (done.failed[reason] ?? 0) + 1;
    if (dryRun) return;
    await pool.query(
      "UPDATE dead_letters SET reason = $2, detail = $3 WHERE id = $1 AND reason <> $2",
      [id, reason, detail],
    );
  };
  for (let last = "0"; !signal?.aborted;) {
    const { rows } = await pool.query<Letter>(
      `SELECT id, value, reason FROM dead_letters
       WHERE id > $1 AND replayed_at IS NULL AND at >= $2 AND reason = coalesce($3, reason)
       ORDER BY id LIMIT ${BATCH}`,
      [last, from, reason],
    );
    if (rows.length === 0) break;
    last = rows.at(-1)!.id;
    const results: IncomingRecord[] = [];
    for (const { id, value, reason } of rows) {
      if (reason === "bad_batch") {
        done.unreadable++;
        continue;
      }
      const decoded = decode(value);
      if (decoded.ok) results.push(toResult(BigInt(id), value!, decoded));
      else await fail(id, decoded.reason, decoded.detail);
    }
    if (dryRun) {
      done.stored += results.length;
      continue;
    }
    const { inserted, duplicates, expired, refused } = await store.storeResults(results, true);
    done.stored += inserted + duplicates;
    done.expired += expired;
    for (const { offset, reason, detail } of refused) await fail(String(offset), reason, detail);
  }
  return done;
}
