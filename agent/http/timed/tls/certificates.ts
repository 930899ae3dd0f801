import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate } from "node:tls";
import type { CertificateRecord } from "../../types.ts";

/** No chain of the real world is longer; one that loops through its issuers would have no end. */
const MAX_CHAIN = 10;
/** A certificate may hold thousands of names. */
const MAX_NAMES = 100;

/** What a site sent, as getPeerCertificate(true) links it, its own certificate first. */
export function sentChain(leaf: DetailedPeerCertificate | null): X509Certificate[] {
  const seen = new Set<string>();
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = leaf ?? undefined;
  while (next?.raw && !seen.has(next.fingerprint256) && chain.length < MAX_CHAIN) {
    seen.add(next.fingerprint256);
    chain.push(new X509Certificate(next.raw));
    next = next.issuerCertificate;
  }
  return chain;
}

/** Certificates of authorities, to be found by their name. */
export class Authorities {
  readonly #bySubject = new Map<string, X509Certificate[]>();

  /** @param pems A certificate each; one that cannot be read is left out */
  constructor(pems: readonly string[]) {
    for (const pem of pems) {
      try {
        const certificate = new X509Certificate(pem);
        const same = this.#bySubject.get(certificate.subject) ?? [];
        this.#bySubject.set(certificate.subject, [...same, certificate]);
      } catch {
        continue;
      }
    }
  }

  /** The one that issued the certificate, or that is the same. */
  issuerOf(certificate: X509Certificate): X509Certificate | undefined {
    const { fingerprint256, subject, issuer } = certificate;
    return this.#bySubject.get(subject)?.find((same) => same.fingerprint256 === fingerprint256) ??
      this.#bySubject.get(issuer)?.find((authority) => isIssuedBy(certificate, authority));
  }
}

/**
 * The way from the site's certificate to a trusted authority, the shortest there is, as those who verify
 * take it: what was sent beside it (a cross-signed root that has ended, say) is no part of it. All that
 * was sent, where there is no such way.
 */
export function verifiedChain(
  sent: readonly X509Certificate[],
  authorities: Authorities,
): readonly X509Certificate[] {
  const way = sent.slice(0, 1);
  for (let last = way[0]; last !== undefined && way.length < MAX_CHAIN;) {
    const authority = authorities.issuerOf(last);
    if (authority?.fingerprint256 === last.fingerprint256) return way;
    if (authority) return [...way, authority];
    const current = last;
    last = sent.find((other) => !way.includes(other) && isIssuedBy(current, other));
    if (last) way.push(last);
  }
  return sent;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  if (!certificate.checkIssued(issuer)) return false;
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A kind of key that the runtime does not know; the names have matched.
    return true;
  }
}

export function certificateRecord(certificate: X509Certificate): CertificateRecord {
  const serial = certificate.serialNumber;
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    names: (certificate.subjectAltName ?? "").split(", ").filter(Boolean).slice(0, MAX_NAMES),
    // Deno leaves out a leading zero.
    serial: serial.length % 2 === 0 ? serial : `0${serial}`,
    fingerprint256: certificate.fingerprint256,
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
  };
}

/** "CN=example.org, O=Example" out of a line for each attribute. */
function oneLine(name: string | undefined): string {
  return (name ?? "").split("\n").filter(Boolean).join(", ");
}
