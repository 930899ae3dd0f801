import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Findings, Path } from "./say/findings.ts";
import { isGiven } from "./source/raw.ts";
import { readText, type TextReader } from "./source/read_text.ts";

const CERTIFICATE = /^(?:X509 |TRUSTED )?CERTIFICATE$/;
const PRIVATE_KEY = /^(?:RSA |EC )?PRIVATE KEY$/;

/** What the files of a TLS client hold (PEM); null where the key is not given. */
export type TlsTexts = Record<"ca" | "cert" | "key", string | null>;

/** The keys that name the files of a TLS client. */
export type TlsFileKeys = Readonly<Record<keyof TlsTexts, string>>;

const PARTS = [
  { part: "ca", what: "a file with CA certificates (PEM)", label: CERTIFICATE },
  { part: "cert", what: "a file with a certificate (PEM)", label: CERTIFICATE },
  { part: "key", what: "a file with a private key (PEM)", label: PRIVATE_KEY },
] as const;

/**
 * Reads the files that `given`, which stands at `path`, names.
 *
 * @returns Each file's content; null where the key is not given, or its file is in the findings
 */
export function readTlsFiles(
  given: Readonly<Record<string, unknown>>,
  keys: TlsFileKeys,
  path: Path,
  reader: TextReader,
  findings: Findings,
): TlsTexts {
  const tls: TlsTexts = { ca: null, cert: null, key: null };
  for (const { part, what, label } of PARTS) {
    const name = given[keys[part]];
    if (typeof name !== "string" || name === "") continue;
    const file = readText(reader, name);
    const which = file.ok ? pemProblem(file.text, label) : `which ${file.problem}`;
    if (which !== null) findings.expected([...path, keys[part]], what, name, which);
    else if (file.ok) tls[part] = file.text;
  }
  if (tls.cert && tls.key && !fits(tls.key, tls.cert)) {
    const what = `the private key of the certificate of "${keys.cert}"`;
    findings.expected([...path, keys.key], what, given[keys.key], "which is another one's");
  }
  return tls;
}

function fits(key: string, cert: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return true; // What the runtime cannot read it may still use; TLS says what is wrong with it.
  }
}

/** Notes a certificate without its key, and a key without its certificate. */
export function checkTlsPair(
  given: Readonly<Record<string, unknown>>,
  keys: TlsFileKeys,
  path: Path,
  findings: Findings,
): void {
  const needs = (key: string, beside: string, what: string) => {
    if (!isGiven(given[beside]) || isGiven(given[key])) return;
    findings.expected([...path, key], `${what} beside "${beside}"`, undefined);
  };
  needs(keys.key, keys.cert, "the certificate's private key");
  needs(keys.cert, keys.key, "the private key's certificate");
}

/** Why `text` is no PEM of the label asked for; null when it is (RFC 7468, section 2). */
function pemProblem(text: string, label: RegExp): string | null {
  const blocks = [...text.matchAll(
    /-----BEGIN ([A-Z0-9 ]+)-----\s([^]*?)-----END \1-----/g,
  )];
  if (blocks.length === 0) return "which has no PEM in it";
  const labels = blocks.map((block) => block[1]!);
  const isEncrypted = blocks.some(([, name, body]) =>
    name === "ENCRYPTED PRIVATE KEY" || /^Proc-Type:.*ENCRYPTED/m.test(body!)
  );
  if (isEncrypted && label === PRIVATE_KEY) {
    return "which is encrypted; decrypt it, as there is no key for its passphrase";
  }
  const block = blocks.find(([, name]) => label.test(name!));
  if (!block) return `which holds "${labels[0]}"`;
  const body = block[2]!.replace(/\s/g, "");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(body) ? null : "which is damaged";
}
