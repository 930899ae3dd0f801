import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import pg from "pg";
import { freshDatabase } from "../../support/stack.ts";
import { dailyOf, letterOf, recordOf, resultOf, rowOf, URL } from "./evidence_fixture.ts";
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
    await pool.query(
      `INSERT INTO sites (url, name) VALUES ('${URL}', 'A site');
       INSERT INTO agents (identity) VALUES ('${result.agentUUID}');
       INSERT INTO reasons (reason, error_class, first_reason, identity)
       VALUES ('status', 'bad_status', 'timeout', gen_random_uuid());
       INSERT INTO contexts (location, labels, site_labels, frequency, identity)
       VALUES ('Oslo', '{"role": "canary"}', '{"group": "shops"}', 60, gen_random_uuid());
       INSERT INTO connections (remote_address, http_version, tls_version, cipher, verified,
         expires_at, fingerprint, identity)
       VALUES ('2001:db8::1', '1.1', 'TLSv1.3', 'TLS_AES_256_GCM_SHA384', true, '2027-01-01Z',
         decode(repeat('ab', 32), 'hex'), gen_random_uuid());
       INSERT INTO check_results (ts, site_id, agent_id, verdict, reason_id, response_code,
         response_time, regex_result, lateness, context_id, connection_id, dns_ms, connect_ms,
         tls_ms, first_byte_ms, download_ms, body_bytes, body_truncated, maintenance, slots,
         attempts, loop_delay, redirects)
       SELECT '${result.ts}Z', sites.id, agents.id, 2, reasons.id, 500, 12.25, true, 3.456,
         contexts.id, connections.id, 1.1, 2.2, 3.3, 4.4, 1.25, 1234, false, true, 2, 3, 6.25,
         '[{"url": "http://site-1.example/", "status": 301, "ms": 7.7}]'
       FROM sites, agents, reasons, contexts, connections;
       INSERT INTO evidence (ts, site_id, agent_id, status_line, headers, body)
       SELECT ts, site_id, agent_id, 'HTTP/1.1 500 Oops', '{"server": "a"}', 'Sorry'
       FROM check_results;
       INSERT INTO certificates (fingerprint, not_before, not_after, subject, issuer, serial, names,
         last_seen)
       VALUES ('\\xab01', '2026-01-01Z', '2027-01-01Z', 'CN=a', 'CN=b', '01', '{DNS:a}', now());
       INSERT INTO site_certificates (site_id, agent_id, chain, first_seen, last_seen)
       SELECT sites.id, agents.id, '{"\\\\xab01","\\\\xff"}', '${result.ts}Z', now() FROM sites, agents`,
    );
    await pool.query(
      `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", key, value, reason, detail)
       VALUES ('c', 't', 0, 5, 'k', '\\x00ff', 'bad_utf8', ''), ('c', 't', 0, 6, NULL, NULL,
         'null_value', '')`,
    );
    await pool.query(
      `INSERT INTO consumer_offsets (consumer, cluster_id, topic, partition, next_offset)
       VALUES ('writer', 'c', 't', 0, 7), ('writer', 'c', 'another', 0, 9),
         ('alerts', 'c', 't', 0, 3)`,
    );
    assertEquals(await readTables(pool, "t"), {
      daily: [dailyOf(result)],
      results: [rowOf(result)],
      chains: [{
        agent: result.agentUUID,
        url: URL,
        firstSeen: result.ts,
        chain: [
          {
            subject: "CN=a",
            issuer: "CN=b",
            names: ["DNS:a"],
            serial: "01",
            fingerprint: "AB:01",
            notBefore: "2026-01-01 00:00:00.000000",
            notAfter: "2027-01-01 00:00:00.000000",
          },
          // Its row is gone.
          {
            subject: null,
            issuer: null,
            names: null,
            serial: null,
            fingerprint: null,
            notBefore: null,
            notAfter: null,
          },
        ],
      }],
      letters: [letterOf(record, "bad_utf8"), letterOf(none)],
      nextOffsets: new Map([[0, 7n]]),
    });
  } finally {
    await pool.end();
    await database.drop();
  }
});
