import { assertEquals, assertRejects } from "@std/assert";
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "../../../db/connect/pool.ts";
import { type Certificates, makeCertificates } from "../../../local/certificates.ts";
import { startPostgres } from "../../../local/postgres/postgres.ts";
import { postgresUser } from "../../../local/postgres/package.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { ownDatabase } from "../fixture.ts";

/** Roles by what they may do. */
const HBA = `
hostssl   all tls_only   all trust
hostnossl all plain_only all trust
hostssl   all httpmon    all cert
host      all anyhow,postgres all trust
`;

/** Connects, and tells whether it is encrypted. */
async function connect(dsn: string): Promise<"tls" | "plain"> {
  const pool = createPool(dsn, { max: 2, applicationName: "httpmon-test", log: recordingLog() });
  try {
    const { rows } = await pool.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    return rows[0].ssl ? "tls" : "plain";
  } finally {
    await pool.end();
  }
}

interface TlsServer {
  port: number;
  /** 170004 of 17.4. */
  version: number;
  certificates: Certificates;
  otherCa: string;
  close(): Promise<void>;
}

/** A server with TLS; its certificate names localhost and 127.0.0.1. */
async function startTlsServer(): Promise<TlsServer> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-postgres-tls-"));
  await chmod(folder, 0o755);
  const files = join(folder, "files");
  await mkdir(files);
  const certificates = await makeCertificates(files);
  const other = await makeCertificates(join(folder, "other"));
  const hba = join(files, "pg_hba.conf");
  await writeFile(hba, HBA);
  const user = postgresUser();
  for (const path of [folder, files, hba, ...Object.values(certificates)]) {
    if (user) await chown(path, user.uid, user.gid);
  }
  const postgres = await startPostgres({
    folder: join(folder, "postgres"),
    settings: {
      ssl: "on",
      ssl_cert_file: certificates.serverCert,
      ssl_key_file: certificates.serverKey,
      ssl_ca_file: certificates.ca,
      hba_file: hba,
    },
  });
  const pool = createPool(postgres.dsn, {
    max: 1,
    applicationName: "httpmon-test",
    log: recordingLog(),
  });
  for (const role of ["tls_only", "plain_only", "httpmon", "anyhow"]) {
    await pool.query(`CREATE ROLE ${role} LOGIN`);
  }
  const { rows } = await pool.query("SHOW server_version_num");
  await pool.end();
  return {
    port: postgres.port,
    version: Number(rows[0].server_version_num),
    certificates,
    otherCa: other.ca,
    async close() {
      await postgres.stop("immediate");
      await rm(folder, { recursive: true });
    },
  };
}

Deno.test("createPool() encrypts and checks what sslmode says", async (t) => {
  const server = await startTlsServer();
  const { ca, clientCert, clientKey } = server.certificates;
  const dsn = (user: string, rest: string, host = "localhost") =>
    `host=${host} port=${server.port} user=${user} dbname=postgres ${rest}`;
  // 0.0.0.0 leads to the same server, under a name that its certificate has not.
  const cases: [name: string, dsn: string, expected: "tls" | "plain" | RegExp][] = [
    ["no sslmode", dsn("anyhow", ""), "tls"],
    ["disable", dsn("anyhow", "sslmode=disable"), "plain"],
    ["disable, refused", dsn("tls_only", "sslmode=disable"), /no encryption/],
    ["allow", dsn("anyhow", "sslmode=allow"), "plain"],
    ["allow, falling back", dsn("tls_only", "sslmode=allow"), "tls"],
    ["prefer", dsn("anyhow", "sslmode=prefer"), "tls"],
    ["prefer, falling back", dsn("plain_only", "sslmode=prefer"), "plain"],
    ["require", dsn("anyhow", "sslmode=require", "0.0.0.0"), "tls"],
    ["require, refused", dsn("plain_only", "sslmode=require"), /SSL encryption/],
    [
      "require with authority",
      dsn("anyhow", `sslmode=require sslrootcert=${server.otherCa}`),
      /certificate/,
    ],
    ["verify-ca", dsn("anyhow", `sslmode=verify-ca sslrootcert=${ca}`, "0.0.0.0"), "tls"],
    [
      "verify-ca, another",
      dsn("anyhow", `sslmode=verify-ca sslrootcert=${server.otherCa}`),
      /certificate/,
    ],
    ["verify-full", dsn("anyhow", `sslmode=verify-full sslrootcert=${ca}`), "tls"],
    [
      "verify-full by address",
      dsn("anyhow", `sslmode=verify-full sslrootcert=${ca}`, "127.0.0.1"),
      "tls",
    ],
    [
      "verify-full, another name",
      dsn("anyhow", `sslmode=verify-full sslrootcert=${ca}`, "0.0.0.0"),
      /altnames/,
    ],
    ["verify-full, unknown authority", dsn("anyhow", "sslmode=verify-full"), /certificate/],
    [
      "direct",
      dsn("anyhow", "sslmode=require sslnegotiation=direct"),
      // PostgreSQL 17 knows it; one before takes it for a broken packet.
      server.version >= 17_00_00 ? "tls" : /disconnected/,
    ],
    [
      "client certificate",
      dsn("httpmon", `sslmode=require sslcert=${clientCert} sslkey=${clientKey}`),
      "tls",
    ],
    ["no client certificate", dsn("httpmon", "sslmode=require"), /certificate/],
  ];
  try {
    for (const [name, text, expected] of cases) {
      await t.step(name, async () => {
        if (typeof expected === "string") {
          assertEquals(await connect(text), expected);
        } else {
          const error = await assertRejects(() => connect(text), Error);
          assertEquals(expected.test(error.message), true, error.message);
        }
      });
    }
  } finally {
    await server.close();
  }
});

Deno.test("createPool() with many at once falls back together", async () => {
  await using database = await ownDatabase({ empty: true, max: 5 });
  // The test server has no TLS, so the first attempts of all five are refused.
  const sleeps = [1, 2, 3, 4, 5].map(() => database.pool.query("SELECT pg_sleep(0.1)"));
  assertEquals((await Promise.all(sleeps)).length, 5);
  await assertRejects(
    () => connect(`${database.dsn}?sslmode=require`),
    Error,
    "does not support SSL",
  );
});
