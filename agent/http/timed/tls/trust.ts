import { createPrivateKey, X509Certificate } from "node:crypto";
import tls from "node:tls";
import type { Clock } from "../../../../runtime/clock.ts";
import { systemAuthorities } from "../../../../runtime/system_authorities.ts";
import { keep } from "../../../bounded_map.ts";
import { failure } from "../../errors.ts";
import type { CertificateRecord, TlsOptions } from "../../types.ts";
import { Authorities } from "./certificates.ts";

/** How long the system's authorities are known before they are read again, if they are needed. */
const SYSTEM_MS = 300_000;

type Options = TlsOptions | null | undefined;

/** Who is trusted, ready for use. */
export interface Trust {
  context: tls.SecureContext;
  authorities: Authorities;
  /** Chains that were seen to verify, by the fingerprint of the site's certificate. */
  chains: Map<string, { chain: readonly CertificateRecord[]; at: number }>;
}

/**
 * Made once for the same options: to read a CA file anew costs a millisecond.
 *
 * Without `ca`, the runtime's own list of authorities is trusted, and the system's beside it. As to have
 * all of those read costs Deno 10 ms a connection, they are looked at only when a chain does not verify,
 * and of them only the one that is in question is then trusted, for that host.
 */
export class TrustStore {
  readonly #clock: Clock;
  readonly #readSystem: () => readonly string[];
  readonly #made = new Map<string, Map<string, Trust>>();
  /** By host: where an authority of the system is needed. */
  readonly #learned = new Map<string, Trust>();
  #bundled: Authorities | null = null;
  #system: { authorities: Authorities; at: number } | null = null;

  constructor(clock: Clock, readSystem: () => readonly string[] = systemAuthorities) {
    this.#clock = clock;
    this.#readSystem = readSystem;
  }

  /** @throws ExchangeFailure `not_made` for a certificate or key that cannot be read */
  get(host: string, options: Options): Trust {
    const learned = options?.ca ? undefined : this.#learned.get(learnedKey(host, options));
    return learned ?? this.#plain(options);
  }

  /**
   * Another trust to try where a chain did not verify, or null. What is learned of a host is forgotten
   * again when it does not help.
   *
   * @param tried What get() or this gave last
   */
  another(
    host: string,
    options: Options,
    sent: readonly X509Certificate[],
    tried: Trust,
  ): Trust | null {
    if (options?.ca) return null;
    if (this.#learned.delete(learnedKey(host, options))) return this.#plain(options);
    if (tried !== this.#plain(options)) return null;
    const system = this.#systemAuthorities();
    const found = sent.map((certificate) => system.issuerOf(certificate))
      .find((authority) => authority !== undefined);
    if (found === undefined) return null;
    const trust = make({ ...options, ca: found.toString() }, new Authorities([found.toString()]));
    keep(this.#learned, learnedKey(host, options), trust);
    return trust;
  }

  #plain(options: Options): Trust {
    const ca = options?.ca ?? "";
    const ofCa = this.#made.get(ca) ?? keep(this.#made, ca, new Map<string, Trust>());
    const client = clientKey(options);
    return ofCa.get(client) ?? keep(ofCa, client, make(options, this.#authorities(ca)));
  }

  #authorities(ca: string): Authorities {
    if (ca !== "") return new Authorities(ca.split(/(?=-----BEGIN )/));
    return this.#bundled ??= new Authorities(bundledAuthorities() ?? this.#readSystem());
  }

  #systemAuthorities(): Authorities {
    const at = this.#clock.monotonic();
    if (this.#system === null || at - this.#system.at > SYSTEM_MS) {
      this.#system = { authorities: new Authorities(this.#readSystem()), at };
    }
    return this.#system.authorities;
  }
}

/** The runtime's own list; null where Deno may not tell (it takes all of --allow-sys), but uses it. */
function bundledAuthorities(): readonly string[] | null {
  try {
    // Deno reads them only when they are looked at.
    return [...tls.rootCertificates];
  } catch {
    return null;
  }
}

function clientKey(options: Options): string {
  return `${options?.cert ?? ""}${options?.key ?? ""}`;
}

function learnedKey(host: string, options: Options): string {
  return `${host}\n${clientKey(options)}`;
}

function make(options: Options, authorities: Authorities): Trust {
  const [ca, cert, key] = [options?.ca, options?.cert, options?.key].map((pem) => pem ?? undefined);
  // Deno reads them only when a connection needs them, and then leaves out what it cannot read.
  readable("ca", ca, (pem) => new X509Certificate(pem));
  readable("certificate", cert, (pem) => new X509Certificate(pem));
  readable("key", key, (pem) => createPrivateKey(pem));
  try {
    return { context: tls.createSecureContext({ ca, cert, key }), authorities, chains: new Map() };
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
