import { redact } from "./redact.ts";

/** The most characters of a value that a message shows. */
const MAX_SHOWN = 80;

/** `text` in double quotes, on one line, cut where it is long, without what could be a password. */
export function quote(text: string): string {
  const safe = redact(text);
  const cut = safe.length > MAX_SHOWN ? `${safe.slice(0, MAX_SHOWN)}...` : safe;
  // JSON leaves DEL and the C1 controls as they are, which a terminal may obey.
  const shown = JSON.stringify(cut).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  ).replaceAll("\\\\", "\\"); // A regex reads best with its backslashes as written.
  return safe.length > MAX_SHOWN ? `${shown} (${safe.length} characters)` : shown;
}

/** A config value as a message names it: `-5`, `"text"`, `a list`, `nothing`. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Date) return "a date (in quotes it is a text)";
  if (value instanceof Uint8Array) return "binary data";
  return "a map";
}
