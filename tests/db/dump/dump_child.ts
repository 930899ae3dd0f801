/** Dumps a database in a process of its own, whose heap the test limits, and tells how it went. */
import { assertEquals } from "@std/assert";
import process from "node:process";
import { dumpResults } from "../../../db/dump/dump.ts";
import { createPool } from "../../../db/connect/pool.ts";
import { recordingLog } from "../../support/recording_log.ts";

const pool = createPool(process.argv[2]!, {
  max: 1,
  applicationName: "httpmon-test",
  log: recordingLog(),
});
let bytes = 0;
let largest = 0;
let writing = 0;
const format = process.argv[3] as "json" | "csv" | "parquet";
const count = await dumpResults(pool, { format }, async (lines) => {
  assertEquals(++writing, 1);
  bytes += lines.length;
  largest = Math.max(largest, lines.length);
  await new Promise((resolve) => setImmediate(resolve));
  writing--;
});
await pool.end();
console.log(JSON.stringify({ count, bytes, largest }));
