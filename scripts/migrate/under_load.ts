import type { Pool } from "pg";
import { createPool } from "../../db/connect/pool.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { type MigrationFile, migrationFiles } from "../../db/schema/migrations/index.ts";
import { ensurePartitions, partitionDays } from "../../db/schema/partitions.ts";
import type { IncomingRecord } from "../../db/store/records.ts";
import { ResultStore } from "../../db/store/store.ts";
import { createLogger } from "../../runtime/log/log.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";

/** Up to this one, writers can store. */
const STORE = "000004_store.sql";
/** The days before today that the rows are of. */
const DAYS = 10;
const SITES = 1_000;
const BATCH = 500;
const AGENT = "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e4f";
/** A writer that has to wait for a lock this long fails, and the run with it. */
const MOST_MS = 2_000;

/** What a later version may bring: all results changed, an hour of them a transaction, and an index. */
const LATER: MigrationFile = {
  name: "999999_later.sql",
  sql: `-- resumable
-- step
CREATE TABLE filled AS SELECT min(ts) AS until FROM check_results
-- step: repeat
WITH next AS (UPDATE filled SET until = until + interval '1 hour' RETURNING until)
UPDATE check_results AS r SET body_truncated = false FROM next
WHERE r.ts >= next.until - interval '1 hour' AND r.ts < next.until AND r.ts < now()
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS later_${day(0)} ON check_results_p${day(0)} (context_id)
-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS later_${day(-1)} ON check_results_p${day(-1)} (context_id)
`,
};

/** What a migration under load came to. */
export interface UnderLoad {
  applied: string[];
  migrateMs: number;
  /** Of results, stored meanwhile. */
  batches: number;
  /** Milliseconds of the longest one, from the call until it was stored. */
  longestMs: number;
}

/**
 * Migrates an empty database up to the store, fills it with `rows` results of ten days, and migrates it
 * to the end, and by one migration more that changes every row, while a writer stores batch upon batch.
 *
 * @throws Where the writer waits for over 2 s for any lock
 */
export async function migrateUnderLoad(
  dsn: string,
  rows: number,
  print: (line: string) => void,
): Promise<UnderLoad> {
  const log = createLogger({ loglevel: "CRITICAL", secrets: [] }, "bench");
  const all = await migrationFiles();
  const files = all.slice(0, all.findIndex(({ name }) => name === STORE) + 1);
  await migrate(dsn, { log, files });
  const pool = createPool(dsn, {
    max: 3,
    applicationName: "httpmon-bench",
    log,
    queryTimeoutMs: 0,
  });
  try {
    print(`${rows} results`);
    await fill(pool, rows);
    const store = new ResultStore(pool, { log, lockTimeoutMs: MOST_MS });
    let position = 0n, batches = 0, longestMs = 0, done = false;
    const write = async () => {
      const source = { consumer: "writer", clusterId: "c", topic: "t", partition: 0 };
      while (!done) {
        const records = nextRecords(position);
        const start = performance.now();
        await store.storeBatch(source, records, { position, first: position === 0n });
        longestMs = Math.max(longestMs, performance.now() - start);
        position += BigInt(BATCH);
        batches++;
      }
    };
    print("migrations, with a writer");
    const start = performance.now();
    const migrating = migrate(dsn, { log, files: [...all, LATER] }).finally(() => done = true);
    // Whichever fails ends the other.
    const [{ applied }] = await Promise.all([
      migrating,
      write().finally(() => done = true),
    ]);
    return { applied, migrateMs: performance.now() - start, batches, longestMs };
  } finally {
    await pool.end();
  }
}

async function fill(pool: Pool, rows: number): Promise<void> {
  await ensurePartitions(pool, partitionDays(Date.now(), -DAYS, 1));
  await pool.query(
    `INSERT INTO agents (identity) VALUES ('${AGENT}');
     INSERT INTO sites (url) SELECT format('https://%s.example/', n)
     FROM generate_series(0, ${SITES - 1}) AS n`,
  );
  for (let ago = DAYS; ago >= 1; ago--) {
    await pool.query(
      `INSERT INTO check_results (ts, site_id, agent_id, response_time, response_code, verdict)
       SELECT date_trunc('day', now(), 'UTC') - interval '${ago} days'
         + n * interval '1 day' / ${rows / DAYS}, 1 + n % ${SITES}, 1, 12.5, 200, 0
       FROM generate_series(0, ${rows / DAYS - 1}) AS n`,
    );
  }
  await pool.query("ANALYZE check_results");
}

function nextRecords(position: bigint): IncomingRecord[] {
  const now = BigInt(Date.now()) * 1000n;
  return Array.from({ length: BATCH }, (_, n) => {
    const offset = position + BigInt(n);
    const url = `https://${Number(offset) % SITES}.example/`;
    const message = {
      ...{ ts: formatTimestamp(now + BigInt(n)), agentUUID: AGENT, url, verdict: "up" as const },
      ...{ regexResult: null, responseCode: 200, responseTime: 12.5, errorMessage: null },
    };
    return {
      ...{ offset, timestamp: now / 1000n, key: null, value: new Uint8Array() },
      decode: () => ({ ok: true, message }),
    };
  });
}

/** "20261127": a day, UTC. */
function day(ahead: number): string {
  return partitionDays(Date.now(), ahead, ahead)[0]!.replaceAll("-", "");
}
