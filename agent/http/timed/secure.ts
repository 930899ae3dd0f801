import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { isIP } from "node:net";
import tls from "node:tls";
import type { Clock } from "../../../runtime/clock.ts";
import { classifyError } from "../classify.ts";
import { httpError } from "../errors.ts";
import type {
  CertificateRecord,
  FailureClass,
  HttpError,
  TlsOptions,
  TlsRecord,
} from "../types.ts";
import { certificateChain, earliestExpiry } from "./certificates.ts";
import { ExchangeFailure, failure } from "./failure.ts";
import type { Steps } from "./steps.ts";

/** Made once for each object of options: to read a CA file anew costs a millisecond. */
export class SecureContexts {
  readonly #made = new WeakMap<TlsOptions, tls.SecureContext>();
  #plain: tls.SecureContext | null = null;

  /** @throws ExchangeFailure `not_made` for a certificate or key that cannot be read */
  get(options: TlsOptions | undefined): tls.SecureContext {
    if (options === undefined) return this.#plain ??= tls.createSecureContext();
    const made = this.#made.get(options) ?? create(options);
    this.#made.set(options, made);
    return made;
  }
}

function create({ ca, cert, key }: TlsOptions): tls.SecureContext {
  // Deno reads them only when a connection needs them, and then leaves out what it cannot read.
  readable("ca", ca, (pem) => new X509Certificate(pem));
  readable("certificate", cert, (pem) => new X509Certificate(pem));
  readable("key", key, (pem) => createPrivateKey(pem));
  try {
    return tls.createSecureContext({ ca, cert, key });
  } catch (error) {
    throw failure("not_made", `The TLS settings do not fit: ${(error as Error).message}`);
  }
}

function readable(name: string, pem: string | undefined, read: (pem: string) => unknown): void {
  if (pem === undefined) return;
  try {
    read(pem);
  } catch {
    throw failure("not_made", `The TLS ${name} is not a PEM text that can be read`);
  }
}

/** A connection made secure, and what is known of it. */
export interface Secured {
  socket: tls.TLSSocket;
  record: TlsRecord;
  /** Why the certificate does not verify, or null. */
  error: HttpError | null;
}

/**
 * Makes the connection secure. A certificate that does not verify is told rather than refused, so
 * that the record can show it; the caller refuses it before anything is sent. Each session is new.
 *
 * @throws ExchangeFailure `tls_failed`, `connection_reset`, ...
 */
export async function secure(
  raw: Socket,
  host: string,
  options: TlsOptions | undefined,
  contexts: SecureContexts,
  clock: Clock,
  steps: Steps,
): Promise<Secured> {
  const secureContext = contexts.get(options);
  const name = options?.serverName ?? host;
  const socket = tls.connect({
    socket: raw,
    secureContext,
    // The name to be looked for in the certificate; `socket` says where to connect.
    host: name,
    // An address is not sent as SNI (RFC 6066, 3).
    servername: isIP(name) ? undefined : name,
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: false,
  });
  // Stays for the socket's life: an error with nobody to hear it would end the process.
  socket.on("error", () => {});
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
  const record = tlsRecord(socket);
  return { socket, record, error: verificationError(record, clock.now()) };
}

/** A connection that breaks in the middle of a handshake says nothing about TLS, except by an alert. */
function handshakeError(error: Error): HttpError {
  const classified = classifyError(error);
  if (classified.class !== "connection_failed") return classified;
  return httpError("tls_failed", error.message);
}

function tlsRecord(socket: tls.TLSSocket): TlsRecord {
  const chain = certificateChain(socket.getPeerCertificate(true));
  const error: unknown = socket.authorizationError;
  return {
    protocol: socket.getProtocol(),
    cipher: socket.getCipher()?.standardName ?? null,
    chain,
    earliestExpiry: earliestExpiry(chain),
    authorized: socket.authorized,
    // A code in both runtimes, whatever @types/node says.
    authorizationError: socket.authorized ? null : String(error ?? "No certificate"),
  };
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
