import type { DetailedPeerCertificate, PeerCertificate } from "node:tls";
import type { CertificateRecord } from "../types.ts";

/** No chain of the real world is longer; one that loops through its issuers would have no end. */
const MAX_CHAIN = 10;
/** A certificate may hold thousands of names. */
const MAX_NAMES = 100;

/** The chain as getPeerCertificate(true) links it, the site's own certificate first. */
export function certificateChain(leaf: DetailedPeerCertificate | null): CertificateRecord[] {
  const chain: CertificateRecord[] = [];
  const seen = new Set<string>();
  let next: DetailedPeerCertificate | undefined = leaf ?? undefined;
  while (next?.fingerprint256 && !seen.has(next.fingerprint256) && chain.length < MAX_CHAIN) {
    seen.add(next.fingerprint256);
    chain.push(certificateRecord(next));
    next = next.issuerCertificate;
  }
  return chain;
}

/** The first end of validity in the chain, or null. */
export function earliestExpiry(chain: readonly CertificateRecord[]): number | null {
  if (chain.length === 0) return null;
  return Math.min(...chain.map(({ notAfter }) => notAfter));
}

function certificateRecord(certificate: PeerCertificate): CertificateRecord {
  const serial = certificate.serialNumber;
  return {
    subject: distinguishedName(certificate.subject),
    issuer: distinguishedName(certificate.issuer),
    names: (certificate.subjectaltname ?? "").split(", ").filter(Boolean).slice(0, MAX_NAMES),
    // Deno leaves out a leading zero.
    serial: serial.length % 2 === 0 ? serial : `0${serial}`,
    fingerprint256: certificate.fingerprint256,
    notBefore: Date.parse(certificate.valid_from),
    notAfter: Date.parse(certificate.valid_to),
  };
}

/** "CN=example.org, O=Example"; an attribute may be there more than once. */
function distinguishedName(name: object | undefined): string {
  return Object.entries(name ?? {})
    .flatMap(([key, values]) => [values].flat().map((value) => `${key}=${value}`))
    .join(", ");
}
