import { MAX_BODY_BYTES } from "../../agent/rules/body_size.ts";
import type { Findings, Path } from "../say/findings.ts";
import { isMap } from "../source/raw.ts";
import { readBytes, type TextReader } from "../source/read_text.ts";
import { readTlsFiles, type TlsFileKeys, type TlsTexts } from "../tls_files.ts";
import type { RawSettings } from "./site_checks.ts";

/** The keys of `tls:` that name files. */
export const TLS_KEYS: TlsFileKeys = { ca: "ca_file", cert: "cert_file", key: "key_file" };

/**
 * How TLS is spoken to a site. Its authorities are trusted in place of the system's and the runtime's;
 * its certificate and key are shown to the first origin only, never after a redirect away.
 */
export interface SiteTls extends TlsTexts {
  /** Sent as SNI and looked for in the certificate, in place of the URL's host. */
  serverName: string | null;
  /** Go on though the certificate does not verify; the record still says that it does not. */
  insecure: boolean;
}

/** What the files of a site, or of `defaults:`, hold; null where there is none. */
export interface SiteFiles {
  body: Uint8Array | null;
  tls: SiteTls | null;
}

export const NO_FILES: SiteFiles = { body: null, tls: null };

/**
 * A reader of the files that sites name; one that several of them name is read once.
 *
 * @returns Reads those of settings as the YAML has them, checked or not
 */
export function siteFileReader({ readFile, folder }: TextReader, findings: Findings) {
  const contents = new Map<string, Uint8Array>();
  /** Equal ones are one object, by which a client keeps what it makes of it. */
  const known = new Map<string, SiteTls>();
  const reader: TextReader = {
    folder,
    readFile(path) {
      const bytes = contents.get(path) ?? readFile(path);
      contents.set(path, bytes);
      return bytes;
    },
  };

  const readBody = (name: string, path: Path): Uint8Array | null => {
    const file = readBytes(reader, name);
    // As a plain array of bytes, which a thread hands on as it is; node:fs gives a Buffer.
    if (file.ok && file.bytes.length <= MAX_BODY_BYTES) return new Uint8Array(file.bytes);
    const which = file.ok ? `which has over ${MAX_BODY_BYTES} bytes` : `which ${file.problem}`;
    findings.expected(path, "a path of a file with the body", name, which);
    return null;
  };
  const readTls = (given: Readonly<Record<string, unknown>>, path: Path): SiteTls | null => {
    const texts = readTlsFiles(given, TLS_KEYS, path, reader, findings);
    const serverName = typeof given.server_name === "string" ? given.server_name : null;
    const tls = { ...texts, serverName, insecure: given.insecure === true };
    if (Object.values(tls).every((value) => value === null || value === false)) return null;
    const key = JSON.stringify(given);
    known.set(key, known.get(key) ?? tls);
    return known.get(key)!;
  };
  return ({ settings: { body_file: body, tls }, path }: RawSettings): SiteFiles => ({
    body: typeof body === "string" ? readBody(body, [...path, "body_file"]) : null,
    tls: isMap(tls) ? readTls(tls, [...path, "tls"]) : null,
  });
}
