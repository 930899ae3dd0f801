// The certificate library's own need: it leaves this import to its user.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { Buffer } from "node:buffer";

/** PEM texts. */
export interface KeyPair {
  cert: string;
  key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** What a certificate is to be. Its names are 127.0.0.1 and localhost unless said. */
export interface CertificateOptions {
  name: string;
  names?: { type: "dns" | "ip"; value: string }[];
  notBefore?: Date;
  notAfter?: Date;
  isAuthority?: boolean;
}

interface Issuer {
  certificate: X509Certificate;
  keys: CryptoKeyPair;
}

/** Makes certificates of every kind that a site may show. */
export class Authority {
  /** PEM. */
  readonly cert: string;
  readonly #issuer: Issuer;

  private constructor(issuer: Issuer) {
    this.#issuer = issuer;
    this.cert = pem(issuer.certificate);
  }

  static async create(name = "Test authority"): Promise<Authority> {
    return new Authority(await issue({ name, isAuthority: true }, null));
  }

  /** An authority below this one. */
  async intermediate(name: string, options: Partial<CertificateOptions> = {}): Promise<Authority> {
    return new Authority(await issue({ name, isAuthority: true, ...options }, this.#issuer));
  }

  /** This authority's name and key, vouched for by another one. */
  async crossSigned(by: Authority, options: Partial<CertificateOptions> = {}): Promise<string> {
    const { certificate, keys } = this.#issuer;
    const name = certificate.subject.replace(/^CN=/, "");
    const made = await issue({ name, isAuthority: true, ...options }, by.#issuer, keys);
    return pem(made.certificate);
  }

  /** A certificate that this authority signed. */
  async sign(options: CertificateOptions): Promise<KeyPair> {
    return await keyPair(await issue(options, this.#issuer));
  }
}

/** A certificate that nobody but itself vouches for. */
export async function selfSigned(options: CertificateOptions): Promise<KeyPair> {
  return await keyPair(await issue(options, null));
}

async function issue(
  options: CertificateOptions,
  issuer: Issuer | null,
  given?: CryptoKeyPair,
): Promise<Issuer> {
  const keys = given ??
    await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as CryptoKeyPair;
  const names = options.names ?? [
    { type: "ip", value: "127.0.0.1" },
    { type: "dns", value: "localhost" },
  ];
  const subject = `CN=${options.name}`;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: "0a0b",
    subject,
    issuer: issuer?.certificate.subject ?? subject,
    publicKey: keys.publicKey,
    signingKey: issuer?.keys.privateKey ?? keys.privateKey,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: options.isAuthority
      ? [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ]
      : [new SubjectAlternativeNameExtension(names)],
  });
  return { certificate, keys };
}

async function keyPair({ certificate, keys }: Issuer): Promise<KeyPair> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = der.toString("base64").match(/.{1,64}/g)!.join("\n");
  return {
    cert: pem(certificate),
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
  };
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}
