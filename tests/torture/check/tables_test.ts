import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import pg from "pg";
import { freshDatabase } from "../../support/stack.ts";
import { dailyOf, letterOf, recordOf, resultOf, rowOf } from "./evidence_fixture.ts";
import { readTables } from "./tables.ts";

Deno.test("readTables() reads rows, letters and offsets as they are compared", async () => {
  const database = await freshDatabase();
  const pool = new pg.Pool({ connectionString: database.dsn, max: 1 });
  const result = resultOf();
  const record = recordOf({ key: "k", value: Buffer.from([0, 255]).toString("base64") }, 5);
  const none = recordOf({ key: null, value: null }, 6);
  try {
    await pool.query("SET timezone = 'America/New_York'");
    await pool.query("SELECT httpmon_ensure_partitions('{2026-05-01}')");
    await pool.query("INSERT INTO sites (url) VALUES ($1)", [result.url]);
    await pool.query("INSERT INTO agents (identity) VALUES ($1)", [result.agentUUID]);
    await pool.query(
      "INSERT INTO reasons (reason, error_class, identity) VALUES ($1, $2, gen_random_uuid())",
      [result.reason, result.errorClass],
    );
    await pool.query(
      `INSERT INTO check_results (ts, site_id, agent_id, verdict, reason_id, response_code,
         response_time, regex_result, lateness)
       SELECT $1, sites.id, agents.id, 2, reasons.id, $2, $3, $4, 3.456
       FROM sites, agents, reasons`,
      [`${result.ts}+00`, result.responseCode, result.responseTime, result.regexResult],
    );
    await pool.query(
      `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", key, value, reason, detail)
       VALUES ('c', 't', 0, 5, 'k', '\\x00ff', 'bad_utf8', ''), ('c', 't', 0, 6, NULL, NULL,
         'null_value', '')`,
    );
    await pool.query(
      `INSERT INTO consumer_offsets (consumer, cluster_id, topic, partition, next_offset)
       VALUES ('writer', 'c', 't', 0, 7), ('writer', 'c', 'another', 0, 9)`,
    );
    assertEquals(await readTables(pool, "t"), {
      daily: [dailyOf(result)],
      results: [rowOf(result)],
      letters: [letterOf(record, "bad_utf8"), letterOf(none)],
      nextOffsets: new Map([[0, 7n]]),
    });
  } finally {
    await pool.end();
    await database.drop();
  }
});
