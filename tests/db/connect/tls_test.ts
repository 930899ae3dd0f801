import { assertEquals, assertThrows } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDsn } from "../../../runtime/dsn.ts";
import { type Encryption, encryptionsOf } from "../../../db/connect/tls.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";

/** "plain", or what of the server's certificate is checked. */
function checks(encryption: Encryption): string {
  if (encryption === false) return "plain";
  if (encryption.rejectUnauthorized === false) return "nothing";
  return encryption.checkServerIdentity ? "chain" : "chain and name";
}

Deno.test("encryptionsOf() means by each sslmode what libpq means", async () => {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-tls-"));
  const ca = join(folder, "ca.pem");
  await writeFile(ca, "an authority");
  try {
    const cases: [string, string[]][] = [
      ["host=h", ["nothing", "plain"]],
      ["host=h sslmode=disable", ["plain"]],
      ["host=h sslmode=allow", ["plain", "nothing"]],
      ["host=h sslmode=prefer", ["nothing", "plain"]],
      [`host=h sslmode=prefer sslrootcert=${ca}`, ["nothing", "plain"]],
      ["host=h sslmode=require", ["nothing"]],
      // libpq: "if a root CA file exists, the behavior of sslmode=require will be the same as that
      // of verify-ca".
      [`host=h sslmode=require sslrootcert=${ca}`, ["chain"]],
      [`host=h sslmode=verify-ca sslrootcert=${ca}`, ["chain"]],
      [`host=h sslmode=verify-full sslrootcert=${ca}`, ["chain and name"]],
      ["host=h sslmode=verify-full", ["chain and name"]],
      ["host=h sslmode=verify-full sslrootcert=system", ["chain and name"]],
      ["host=h sslnegotiation=direct", ["nothing"]],
      ["host=/run/postgresql sslmode=require", ["plain"]],
    ];
    for (const [dsn, expected] of cases) {
      assertEquals(encryptionsOf(parseDsn(dsn)).map(checks), expected, dsn);
    }
    const [tls] = encryptionsOf(parseDsn(`host=h sslmode=verify-ca sslrootcert=${ca}`));
    assertEquals(tls && tls.ca, "an authority");
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("encryptionsOf() refuses what it cannot do as asked", () => {
  const cases: [string, string][] = [
    ["sslmode=verify-ca", 'says sslmode "verify-ca", which needs sslrootcert'],
    [
      "sslmode=require sslrootcert=system",
      'sslrootcert "system", which needs sslmode "verify-full"',
    ],
    ["sslmode=require sslcert=/nowhere", 'Cannot read "/nowhere", the database\'s sslcert: ENOENT'],
    ["sslmode=verify-full sslrootcert=/", 'Cannot read "/", the database\'s sslrootcert: EISDIR'],
  ];
  for (const [dsn, message] of cases) {
    assertThrows(() => encryptionsOf(parseDsn(`host=h ${dsn}`)), UsageError, message);
  }
});
