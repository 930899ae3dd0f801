import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError } from "../../config/say/findings.ts";
import { readFile } from "node:fs/promises";
import { makeCertificates } from "../../local/certificates.ts";
import { withFolder } from "../agent/support.ts";
import { loadText } from "./load_text.ts";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const EC_KEY = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";

Deno.test("loadConfig() reads the PEM files from the config file's folder", () => {
  const text =
    "kafka: {monitoring: {ssl_cafile: ca.pem, ssl_certfile: /c.pem, ssl_keyfile: k/k.pem}}";
  const { kafka } = loadText(text, {}, {
    "/etc/httpmon/ca.pem": `Some CA\n${CERTIFICATE}${CERTIFICATE}`,
    "/c.pem": CERTIFICATE,
    "/etc/httpmon/k/k.pem":
      `-----BEGIN EC PARAMETERS-----\nAA==\n-----END EC PARAMETERS-----\n${EC_KEY}`,
  });
  assertEquals(kafka.tls?.cert, CERTIFICATE);
  assertStringIncludes(kafka.tls?.ca ?? "", "Some CA");
  assertStringIncludes(kafka.tls?.key ?? "", EC_KEY);
});

Deno.test("loadConfig() refuses a private key that is encrypted", () => {
  const encrypted = [
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,AB\n\n" +
    "AAAA\n-----END RSA PRIVATE KEY-----\n",
  ];
  for (const key of encrypted) {
    assertThrows(
      () =>
        loadText("kafka: {monitoring: {ssl_certfile: c.pem, ssl_keyfile: k.pem}}", {}, {
          "/etc/httpmon/c.pem": CERTIFICATE,
          "/etc/httpmon/k.pem": key,
        }),
      ConfigError,
      'kafka.monitoring.ssl_keyfile: expected a file with a private key (PEM), found "k.pem", which is encrypted',
    );
  }
});

Deno.test("loadConfig() refuses a key that is not the certificate's", async () => {
  await withFolder(async (folder) => {
    const made = await makeCertificates(folder);
    const load = async (cert: string, key: string) =>
      loadText("kafka: {monitoring: {ssl_certfile: c.pem, ssl_keyfile: k.pem}}", {}, {
        "/etc/httpmon/c.pem": await readFile(cert, "utf8"),
        "/etc/httpmon/k.pem": await readFile(key, "utf8"),
      });
    await load(made.clientCert, made.clientKey);
    const other = await load(made.clientCert, made.serverKey).catch((error) => error);
    assertStringIncludes(
      other.message,
      'kafka.monitoring.ssl_keyfile: expected the private key of the certificate of "ssl_certfile", ' +
        'found "k.pem", which is another one\'s',
    );
  });
});
