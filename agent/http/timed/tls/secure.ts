import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { isIP } from "node:net";
import tls from "node:tls";
import type { Clock } from "../../../../runtime/clock.ts";
import { keep } from "../../../bounded_map.ts";
import { classifyError } from "../../classify.ts";
import {
  ExchangeFailure,
  failure,
  type FailureClass,
  type HttpError,
  httpError,
} from "../../errors.ts";
import type { Steps } from "../../steps.ts";
import type { CertificateRecord, TlsRecord } from "../../types.ts";
import { certificateRecord, sentChain, verifiedChain } from "./certificates.ts";
import type { Trust } from "./trust.ts";

/** How long a chain counts as known by the site's own certificate: its issuers may be changed alone. */
const CHAIN_MS = 600_000;

/** A connection made secure, and what is known of it. */
export interface Secured {
  socket: tls.TLSSocket;
  /** What was agreed on by ALPN. */
  protocol: string | null;
  record: TlsRecord;
  /** Why the certificate does not verify, or null. */
  error: HttpError | null;
  /** The certificates that did not verify; none where they did. */
  untrusted: readonly X509Certificate[];
}

/**
 * Makes the connection secure. A certificate that does not verify is told rather than refused, so
 * that the record can show it; the caller refuses it before anything is sent. Each session is new.
 *
 * @param name Sent as SNI, and looked for in the certificate
 * @throws ExchangeFailure `tls_failed`, `connection_reset`, ...
 */
export async function secure(
  raw: Socket,
  name: string,
  protocols: string[],
  trust: Trust,
  clock: Clock,
  steps: Steps,
): Promise<Secured> {
  const socket = tls.connect({
    socket: raw,
    secureContext: trust.context,
    // The name to be looked for in the certificate; `socket` says where to connect.
    host: name,
    // An address is not sent as SNI (RFC 6066, 3).
    servername: isIP(name) ? undefined : name,
    ALPNProtocols: protocols,
    rejectUnauthorized: false,
  });
  // Stays for the socket's life: an error with nobody to hear it would end the process.
  socket.on("error", () => {});
  // For the name in the site's own certificate the runtime reads all of the chain at each handshake, a
  // tenth of what a check takes in Deno.
  let own: tls.PeerCertificate | null = null;
  const readOwn = () => own ??= tls.TLSSocket.prototype.getPeerCertificate.call(socket, false);
  socket.getPeerCertificate = readOwn as typeof socket.getPeerCertificate;
  await steps.run<void>("setting up TLS", (resolve, reject) => {
    const onSecure = () => resolve();
    const onError = (error: Error) => reject(new ExchangeFailure(handshakeError(error)));
    const onClose = () => reject(failure("tls_failed", "The connection was closed"));
    socket.on("secureConnect", onSecure).on("error", onError).on("close", onClose);
    raw.on("error", onError).on("close", onClose);
    return () => {
      socket.off("secureConnect", onSecure).off("error", onError).off("close", onClose);
      raw.off("error", onError).off("close", onClose);
    };
  }, () => {
    socket.destroy();
    raw.destroy();
  });
  delete (socket as Partial<tls.TLSSocket>).getPeerCertificate;
  const untrusted = socket.authorized ? [] : sentChain(socket.getPeerCertificate(true));
  const chain = socket.authorized
    ? trustedChain(socket, readOwn(), trust, clock.monotonic())
    : untrusted.map(certificateRecord);
  const error: unknown = socket.authorizationError;
  const record: TlsRecord = {
    protocol: socket.getProtocol(),
    cipher: socket.getCipher()?.standardName ?? null,
    chain,
    earliestExpiry: chain.length === 0 ? null : Math.min(...chain.map(({ notAfter }) => notAfter)),
    authorized: socket.authorized,
    // A code in both runtimes, whatever @types/node says.
    authorizationError: socket.authorized ? null : String(error ?? "No certificate"),
  };
  return {
    socket,
    protocol: socket.alpnProtocol || null,
    record,
    error: verificationError(record, clock.now()),
    untrusted,
  };
}

/** To read the whole chain costs ten times what the site's own certificate does. */
function trustedChain(
  socket: tls.TLSSocket,
  own: tls.PeerCertificate | null,
  { chains, authorities }: Trust,
  now: number,
): readonly CertificateRecord[] {
  const { fingerprint256 = "" } = own ?? {};
  const known = chains.get(fingerprint256);
  if (known && now - known.at < CHAIN_MS) return known.chain;
  const sent = sentChain(socket.getPeerCertificate(true));
  const chain = verifiedChain(sent, authorities).map(certificateRecord);
  keep(chains, fingerprint256, { chain, at: now });
  return chain;
}

/** A connection that breaks in the middle of a handshake says nothing about TLS, except by an alert. */
function handshakeError(error: Error): HttpError {
  const classified = classifyError(error);
  if (classified.class !== "connection_failed") return classified;
  return httpError("tls_failed", error.message);
}

/** The dates are looked at here, as Deno tells of an expired certificate only that it is not trusted. */
function verificationError(record: TlsRecord, now: number): HttpError | null {
  if (record.authorized) return null;
  const code = record.authorizationError ?? "";
  const outdated = record.chain.find(({ notBefore, notAfter }) =>
    now < notBefore || now > notAfter
  );
  if (outdated) return httpError("tls_certificate_expired", validity(outdated, now));
  const { class: found } = classifyError(Object.assign(new Error(code), { code }));
  const errorClass: FailureClass = found.startsWith("tls_certificate_")
    ? found
    : "tls_certificate_untrusted";
  return httpError(errorClass, code);
}

function validity({ subject, notBefore, notAfter }: CertificateRecord, now: number): string {
  return now > notAfter
    ? `"${subject}" ended at ${new Date(notAfter).toISOString()}`
    : `"${subject}" begins at ${new Date(notBefore).toISOString()}`;
}
