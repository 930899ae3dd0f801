import { resolve } from "node:path";

/** The whole content of a file; throws what node:fs throws. */
export type ReadFile = (path: string) => Uint8Array;

/** How files that the config names are read: relative ones from the folder of the config file. */
export interface TextReader {
  readFile: ReadFile;
  folder: string;
}

/** A file's text, or why there is none: a verb and what follows, "does not exist". */
export type TextFile = { ok: true; text: string } | { ok: false; code: string; problem: string };

/** A file's bytes, or why there are none. */
export type BytesFile = { ok: true; bytes: Uint8Array } | Extract<TextFile, { ok: false }>;

/** Reads a file as UTF-8, a byte order mark at its start left out. Never throws for the file's sake. */
export function readText(reader: TextReader, path: string): TextFile {
  const file = readBytes(reader, path);
  if (!file.ok) return file;
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(file.bytes) };
  } catch {
    return { ok: false, code: "UTF8", problem: "is not UTF-8 text" };
  }
}

/** Reads a file as it is. Never throws for the file's sake. */
export function readBytes({ readFile, folder }: TextReader, path: string): BytesFile {
  try {
    return { ok: true, bytes: readFile(resolve(folder, path)) };
  } catch (error) {
    const code = errorCode(error).replace("ENOTDIR", "ENOENT");
    return { ok: false, code, problem: PROBLEMS[code] ?? `cannot be read (${code})` };
  }
}

const PROBLEMS: Record<string, string> = {
  ENOENT: "does not exist",
  EISDIR: "is a directory",
  EACCES: "may not be read (permission denied)",
  EPERM: "may not be read (permission denied)",
};

function errorCode(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.name;
  return "unknown error";
}
