import { readFileSync } from "node:fs";
import process from "node:process";
import type { ConnectionOptions } from "node:tls";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { type Dsn, SSL_MODES, type SslMode } from "../../runtime/dsn.ts";

/** How one attempt to connect encrypts: false, plainly; else with these settings of TLS. */
export type Encryption = false | ConnectionOptions;

/**
 * The ways to connect that a DSN allows, the wanted one first; a later one is for a server that does
 * not take the one before. What each sslmode means is libpq's:
 * https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 *
 * Other than in libpq, verify-full without sslrootcert trusts the runtime's own authorities (libpq's
 * sslrootcert=system), and nothing is looked for in ~/.postgresql.
 *
 * @throws {UsageError} For a file that cannot be read, or sslmode verify-ca without sslrootcert
 */
export function encryptionsOf(dsn: Dsn): readonly Encryption[] {
  if (dsn.host?.startsWith("/")) return [false]; // a local socket
  const mode = dsn.sslmode ?? modeFromEnvironment() ??
    (dsn.sslnegotiation === "direct" ? "require" : "prefer");
  switch (mode) {
    case "disable":
      return [false];
    case "allow":
      return [false, tlsOf(dsn, mode)];
    case "prefer":
      return [tlsOf(dsn, mode), false];
    default:
      return [tlsOf(dsn, mode)];
  }
}

function modeFromEnvironment(): SslMode | undefined {
  return SSL_MODES.find((mode) => mode === process.env.PGSSLMODE);
}

function tlsOf(dsn: Dsn, mode: SslMode): ConnectionOptions {
  const system = dsn.sslrootcert === "system";
  if (system && mode !== "verify-full") {
    throw new UsageError(
      `The database's DSN says sslrootcert "system", which needs sslmode "verify-full", found "${mode}"`,
    );
  }
  const ca = system ? undefined : read(dsn, "sslrootcert");
  const tls: ConnectionOptions = {
    cert: read(dsn, "sslcert"),
    key: read(dsn, "sslkey"),
    passphrase: dsn.sslpassword,
  };
  if (ca !== undefined) tls.ca = ca;
  const checksChain = mode.startsWith("verify") || (mode === "require" && ca !== undefined);
  if (!checksChain) {
    tls.rejectUnauthorized = false;
  } else if (mode !== "verify-full") {
    if (ca === undefined) {
      throw new UsageError(
        'The database\'s DSN says sslmode "verify-ca", which needs sslrootcert: any public ' +
          'authority\'s certificate would do otherwise; name the file, or use "verify-full"',
      );
    }
    tls.checkServerIdentity = () => undefined;
  }
  return tls;
}

function read(dsn: Dsn, key: "sslrootcert" | "sslcert" | "sslkey"): string | undefined {
  const path = dsn[key];
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new UsageError(`Cannot read "${path}", the database's ${key}: ${code}`);
  }
}
