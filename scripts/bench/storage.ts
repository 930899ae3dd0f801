/**
 * `deno task bench storage [SITES [MINUTES]]`: stores a day of results (each site once a minute) as a writer does,
 * once with the message's seven fields and once with all that an agent sends, and prints the bytes of each
 * part, a result; on a PostgreSQL of its own.
 */
import pg from "pg";
import { createPool } from "../../db/connect/pool.ts";
import { migrate } from "../../db/schema/migrate.ts";
import type { IncomingRecord } from "../../db/store/records.ts";
import { ResultStore } from "../../db/store/store.ts";
import { dataFolder } from "../../local/data_folder.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { createLogger } from "../../runtime/log/log.ts";
import { resultOf, SHAPES } from "../measure/results.ts";

const MINUTES = 1440;
const NAMES = Object.keys(SHAPES) as (keyof typeof SHAPES)[];
function recordsOf(
  sites: number,
  first: number,
  step: number,
  shape: keyof typeof SHAPES,
): IncomingRecord[] {
  const records: IncomingRecord[] = [];
  for (let minute = first; minute < first + step; minute++) {
    for (let site = 0; site < sites; site++) {
      const value = new Uint8Array(); // of the size of the batch alone
      const offset = BigInt(minute * sites + site);
      records.push({
        ...{ offset, timestamp: 0n, key: null, value },
        decode: () => ({ ok: true, message: resultOf(shape, site, minute) }),
      });
    }
  }
  return records;
}

/** Bytes of each part and of the WAL, of results of one shape. */
async function measure(dsn: string, sites: number, step: number, shape: keyof typeof SHAPES) {
  const log = createLogger({ loglevel: "ERROR", secrets: [] }, "bench");
  await migrate(dsn, { log });
  const pool = createPool(dsn, { max: 2, applicationName: "httpmon-bench", log });
  const value = async (sql: string) => Number(Object.values((await pool.query(sql)).rows[0])[0]);
  try {
    const store = new ResultStore(pool, { log });
    const source = { consumer: "writer", clusterId: "bench", topic: "bench", partition: 0 };
    await pool.query("CHECKPOINT");
    const wal = () => value("SELECT pg_current_wal_insert_lsn() - '0/0'");
    const before = await wal();
    let milliseconds = 0;
    for (let minute = 0; minute < MINUTES; minute += step) {
      const records = recordsOf(sites, minute, step, shape);
      const place = { position: records[0]!.offset, first: minute === 0 };
      const start = performance.now();
      await store.storeBatch(source, records, place);
      milliseconds += performance.now() - start;
    }
    const written = await wal() - before;
    const rows = await value("SELECT count(*) FROM check_results");
    const size = async (relation: string) =>
      await value(`SELECT coalesce(sum(pg_relation_size(${relation})), 0)
        FROM pg_partition_tree('check_results') AS t`);
    const index = (kind: "btree" | "brin") =>
      size(`(SELECT c.oid FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid
        JOIN pg_am AS a ON a.oid = relam WHERE indrelid = t.relid AND amname = '${kind}')`);
    const shared = await value(
      `SELECT sum(pg_total_relation_size(name)) FROM unnest(
         '{agents,sites,contexts,connections,reasons,certificates,site_certificates}'::regclass[]) AS name`,
    );
    const evidence = await value(
      "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('evidence')",
    );
    const evidenceRows = await value("SELECT count(*) FROM evidence");
    return {
      rows,
      heap: await size("relid") / rows,
      key: await index("btree") / rows,
      brin: await index("brin") / rows,
      evidence: evidenceRows === 0 ? 0 : evidence / evidenceRows,
      shared: shared / sites,
      wal: written / rows,
      rate: rows / milliseconds * 1000,
    };
  } finally {
    await pool.end();
  }
}

const sites = Number(Deno.args[0] ?? 60);
/** Minutes of one batch: 1 as it comes, more as from a backlog; a divisor of a day's. */
const step = Number(Deno.args[1] ?? 1);
const folder = await dataFolder();
const server = await startPostgres({ folder: folder.path, settings: { max_wal_size: "8GB" } });
const results: Awaited<ReturnType<typeof measure>>[] = [];
try {
  for (const [index, shape] of NAMES.entries()) {
    const client = new pg.Client({ connectionString: server.dsn });
    await client.connect();
    await client.query(`CREATE DATABASE bench_${index}`);
    await client.end();
    const dsn = new URL(server.dsn);
    dsn.pathname = `/bench_${index}`;
    results.push(await measure(dsn.href, sites, step, shape));
  }
} finally {
  await server.stop();
  await folder.close();
}
const line = (name: string, of: (result: typeof results[number]) => string) =>
  console.log(`| ${[name, ...results.map(of)].join(" | ")} |`);
const bytes = (key: keyof typeof results[number]) => (result: typeof results[number]) =>
  result[key].toFixed(1);
console.log(`${sites} sites, each once a minute for a day, batches of ${sites * step} results\n`);
line("bytes", (result) => NAMES[results.indexOf(result)]!);
line("---", () => "---");
line("row", bytes("heap"));
line("its key", bytes("key"));
line("both", ({ heap, key }) => (heap + key).toFixed(1));
line("index by time", bytes("brin"));
line("evidence, of one that is down", bytes("evidence"));
line("what results share, a site", bytes("shared"));
line("WAL", bytes("wal"));
console.log(`\n${results.map(({ rate }) => `${Math.round(rate)} results/s`).join(", ")}`);
Deno.exit(0);
