import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { parquetReadObjects } from "hyparquet";
import { type DumpFilter, dumpResults } from "../../../db/dump/dump.ts";
import type { OwnDatabase } from "../fixture.ts";
import { DAY_MS, historyDatabase, HOUR_MS, insert, rollUpAll } from "../history/fixture.ts";

const START = Date.UTC(2026, 4, 1);
const PERCENTILES = ["response_p50", "response_p95", "response_p99"] as const;

async function rolledUp(): Promise<OwnDatabase> {
  const database = await historyDatabase(START, 3);
  await database.rows("INSERT INTO agents (identity) VALUES (gen_random_uuid())");
  // The phases' times are far from the responses', so that their bins would be noticed.
  const results = Array.from({ length: 300 }, (_, n) => ({
    ts: START + n * HOUR_MS / 5,
    site: n % 2 + 1,
    ms: 100 + n,
    phases: [5_000, 1, 1, 1, 1],
  }));
  await insert(database.pool, [...results, {
    ts: START + 1,
    site: 3,
    verdict: 2,
    code: null,
    ms: 5,
  }]);
  await rollUpAll(database, START + 40 * DAY_MS);
  return database;
}

async function dumped({ pool }: OwnDatabase, filter: DumpFilter): Promise<Buffer> {
  const parts: Buffer[] = [];
  await dumpResults(pool, filter, (part) => {
    parts.push(Buffer.from(part as string));
    return Promise.resolve();
  });
  return Buffer.concat(parts);
}

/** Exactly, of the results of one bucket. */
function exact({ rows }: OwnDatabase, unit: string, site: string, bucket: string) {
  return rows(
    `SELECT count(*)::int AS checks, percentile_disc('{0.5,0.95,0.99}'::float8[])
       WITHIN GROUP (ORDER BY response_time::float8) AS percentiles
     FROM check_results JOIN sites ON id = site_id
     WHERE url = $1 AND ts >= $2 AND ts < $2::timestamptz + interval '1 ${unit}'`,
    [site, bucket],
  );
}

Deno.test("dumpResults() gives the rollups, in order, with percentiles within 2 %", async () => {
  await using database = await rolledUp();
  for (
    const [from, unit, count] of [
      ["hourly", "hour", 121],
      ["daily", "day", 7],
      ["monthly", "month", 3],
    ] as const
  ) {
    const text = String(await dumped(database, { from }));
    const rows = text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
    assertEquals(rows.length, count);
    assertEquals(
      rows,
      rows.toSorted((a, b) => `${a.bucket} ${a.site}` < `${b.bucket} ${b.site}` ? -1 : 1),
    );
    for (const row of rows) {
      const [{ checks, percentiles }] = await exact(database, unit, row.site, row.bucket);
      assertEquals(row.checks, checks);
      if (row.site === "https://3.example/") {
        assertEquals([row.down, ...PERCENTILES.map((name) => row[name])], [1, null, null, null]);
        continue;
      }
      for (const [n, name] of PERCENTILES.entries()) {
        // Of few results the ranks' roundings differ by one of 2 ms.
        assert(
          Math.abs(row[name] - percentiles[n]) <= 0.02 * percentiles[n] + 4,
          `${from} ${name}`,
        );
      }
    }
  }
});

Deno.test("dumpResults() filters rollups as it does results", async () => {
  await using database = await rolledUp();
  const lines = async (filter: DumpFilter) =>
    String(await dumped(database, { format: "csv", ...filter })).split("\r\n").slice(1, -1);
  const all = await lines({ from: "hourly" });
  const daily = { from: "daily", site: "https://1.example/" } as const;
  assertEquals((await lines(daily)).length, 3);
  assertEquals((await lines({ ...daily, since: "2026-05-02", until: "2026-05-03" })).length, 1);
  assertEquals(await lines({ from: "hourly", tail: 5 }), all.slice(-5));
  assertEquals(await lines({ from: "hourly", limit: 5 }), all.slice(0, 5));
});

Deno.test("dumpResults() leaves the sketches out of a table", async () => {
  await using database = await rolledUp();
  const { buffer } = Uint8Array.from(
    await dumped(database, { from: "monthly", format: "parquet", tail: 1 }),
  );
  const [row] = await parquetReadObjects({ file: buffer });
  assertEquals(Object.keys(row!), [
    "bucket",
    "site",
    "url",
    "agent",
    ...["checks", "up", "degraded", "down", "unknown", "maintenance"],
    ...["response_sum", "responses", "response_min", "response_max"],
    ...PERCENTILES,
  ]);
  assertEquals([row!.bucket, row!.site], [new Date(START), "https://3.example/"]);
});
