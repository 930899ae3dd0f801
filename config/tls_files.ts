import type { Findings } from "./findings.ts";
import { mapAt } from "./raw.ts";
import { readText, type TextReader } from "./read_text.ts";
import type { KafkaConfig } from "./types.ts";

const CERTIFICATE = /^(?:X509 |TRUSTED )?CERTIFICATE$/;
const PRIVATE_KEY = /^(?:RSA |EC )?PRIVATE KEY$/;

const FILES = [
  { key: "ssl_cafile", part: "ca", what: "a file with CA certificates (PEM)", label: CERTIFICATE },
  {
    key: "ssl_certfile",
    part: "cert",
    what: "a file with a certificate (PEM)",
    label: CERTIFICATE,
  },
  { key: "ssl_keyfile", part: "key", what: "a file with a private key (PEM)", label: PRIVATE_KEY },
] as const;

/**
 * Reads the files of kafka.monitoring.ssl_*.
 *
 * @param kafka What the YAML has at `kafka:`
 * @returns Each file's content; null where the key is not given, or its file is in the findings
 */
export function readTlsFiles(
  kafka: unknown,
  reader: TextReader,
  findings: Findings,
): NonNullable<KafkaConfig["tls"]> {
  const tls: NonNullable<KafkaConfig["tls"]> = { ca: null, cert: null, key: null };
  const given = mapAt(kafka, "monitoring");
  for (const { key, part, what, label } of FILES) {
    const name = given[key];
    if (typeof name !== "string" || name === "") continue;
    const file = readText(reader, name);
    const which = file.ok ? pemProblem(file.text, label) : `which ${file.problem}`;
    if (which !== null) findings.expected(["kafka", "monitoring", key], what, name, which);
    else if (file.ok) tls[part] = file.text;
  }
  return tls;
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
