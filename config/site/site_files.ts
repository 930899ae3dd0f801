import { MAX_BODY_BYTES } from "../../agent/rules/body_size.ts";
import type { Findings } from "../say/findings.ts";
import type { Path } from "../say/problem.ts";
import { isMap } from "../source/raw.ts";
import { readBytes, type TextReader } from "../source/read_text.ts";
import { readTlsFiles, type TlsFileKeys, type TlsTexts } from "../tls_files.ts";

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

/** Reads the files that sites name; one that several of them name is read once. */
export class SiteFileReader {
  readonly #reader: TextReader;
  readonly #findings: Findings;
  /** Equal ones are one object, by which a client keeps what it makes of it. */
  readonly #tls = new Map<string, SiteTls>();

  constructor({ readFile, folder }: TextReader, findings: Findings) {
    const contents = new Map<string, Uint8Array>();
    this.#reader = {
      folder,
      readFile(path) {
        const bytes = contents.get(path) ?? readFile(path);
        contents.set(path, bytes);
        return bytes;
      },
    };
    this.#findings = findings;
  }

  /** @param settings What the YAML has at `path`, checked or not */
  read(settings: unknown, path: Path): SiteFiles {
    if (!isMap(settings)) return NO_FILES;
    const { body_file: bodyFile, tls } = settings;
    if (bodyFile === undefined && !isMap(tls)) return NO_FILES;
    return {
      body: typeof bodyFile === "string" ? this.#body(bodyFile, [...path, "body_file"]) : null,
      tls: isMap(tls) ? this.#tlsOf(tls, [...path, "tls"]) : null,
    };
  }

  #body(name: string, path: Path): Uint8Array | null {
    const file = readBytes(this.#reader, name);
    // As a plain array of bytes, which a thread hands on as it is; node:fs gives a Buffer.
    if (file.ok && file.bytes.length <= MAX_BODY_BYTES) return new Uint8Array(file.bytes);
    const which = file.ok ? `which has over ${MAX_BODY_BYTES} bytes` : `which ${file.problem}`;
    this.#findings.expected(path, "a path of a file with the body", name, which);
    return null;
  }

  #tlsOf(given: Readonly<Record<string, unknown>>, path: Path): SiteTls | null {
    const texts = readTlsFiles(given, TLS_KEYS, path, this.#reader, this.#findings);
    const serverName = typeof given.server_name === "string" ? given.server_name : null;
    const tls = { ...texts, serverName, insecure: given.insecure === true };
    if (Object.values(tls).every((value) => value === null || value === false)) return null;
    const key = JSON.stringify(given);
    const same = this.#tls.get(key);
    if (!same) this.#tls.set(key, tls);
    return same ?? tls;
  }
}
