import { readFileSync } from "node:fs";
import process from "node:process";
import tls from "node:tls";

/** Where systems keep their authorities in one file: Debian, Fedora, SUSE, Alpine, BSD. */
const BUNDLES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
];

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g;

/**
 * The certificate authorities that this machine trusts, a PEM text each: those of SSL_CERT_FILE, as
 * OpenSSL has it, else of the system's store. None where there is no store. The runtimes trust a list
 * of their own by default, on which no authority of a company is.
 */
export function systemAuthorities(): string[] {
  const own = process.env.SSL_CERT_FILE;
  for (const file of own ? [own] : BUNDLES) {
    const found = read(file)?.match(CERTIFICATE);
    if (found) return [...new Set(found)];
  }
  // Not in every version of Node; it knows the stores of macOS and Windows.
  const { getCACertificates } = tls as { getCACertificates?: (type: "system") => string[] };
  try {
    return getCACertificates?.("system") ?? [];
  } catch {
    return [];
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
