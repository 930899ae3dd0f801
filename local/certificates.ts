// The certificate library's own needs: it leaves this import to its user.
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { Buffer } from "node:buffer";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Paths of PEM files. */
export interface Certificates {
  /** The authority that signed the others. */
  ca: string;
  /** For localhost and 127.0.0.1. */
  serverCert: string;
  serverKey: string;
  /** Key and certificate in one file, as Kafka wants them. */
  serverKeystore: string;
  clientCert: string;
  clientKey: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** Makes an authority, a server's and a client's certificate, good for a year, in `folder`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const authority = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: "CN=httpmon local authority",
    keys: authority,
    ...validity(),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const sign = async (name: string, usage: ExtendedKeyUsage) => {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: authority.privateKey,
      ...validity(),
      extensions: [
        new ExtendedKeyUsageExtension([usage]),
        new SubjectAlternativeNameExtension([
          { type: "dns", value: "localhost" },
          { type: "ip", value: "127.0.0.1" },
        ]),
        await AuthorityKeyIdentifierExtension.create(ca),
      ],
    });
    return { cert: pem(certificate), key: await privatePem(keys.privateKey) };
  };
  const server = await sign("localhost", ExtendedKeyUsage.serverAuth);
  const client = await sign("httpmon", ExtendedKeyUsage.clientAuth);

  await mkdir(folder, { recursive: true });
  const write = async (name: string, text: string) => {
    const file = join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  return {
    ca: await write("ca.pem", pem(ca)),
    serverCert: await write("server.pem", server.cert),
    serverKey: await write("server.key", server.key),
    serverKeystore: await write("server-keystore.pem", server.key + server.cert),
    clientCert: await write("client.pem", client.cert),
    clientKey: await write("client.key", client.key),
  };
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

function validity(): { notBefore: Date; notAfter: Date; signingAlgorithm: typeof ALGORITHM } {
  return {
    // From yesterday, so that no clock is found to be too early.
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 365 * DAY_MS),
    signingAlgorithm: ALGORITHM,
  };
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

async function privatePem(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  const lines = der.match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
}
