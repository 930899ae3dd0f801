/**
 * The message's timestamp, "YYYY-MM-DD HH:MM:SS.ffffff" in UTC, and microseconds since 1970 as
 * a bigint (a double has no room for them after the year 2255).
 */

const PATTERN = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;

/** Years that have four digits; PostgreSQL and the format both hold these. */
const EARLIEST = BigInt(Date.parse("0001-01-01T00:00:00Z")) * 1000n;

/** Microseconds since 1970 to text, always with six digits of fraction. */
export function formatTimestamp(microseconds: bigint): string {
  const fraction = ((microseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = (microseconds - fraction) / 1_000_000n;
  const iso = new Date(Number(seconds) * 1000).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${String(fraction).padStart(6, "0")}`;
}

/**
 * Text to microseconds since 1970, or null where it is no such time: another format, a 30th of
 * February, a year outside 0001-9999. A fraction may be missing or short, as Python's str(datetime)
 * leaves it out where it is zero.
 */
export function parseTimestamp(text: string): bigint | null {
  const match = PATTERN.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction = ""] = match;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  const milliseconds = Date.parse(iso);
  // Date.parse rolls "02-30" over in some engines and takes hour 24: only what reads back is a time.
  if (
    Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 19) + "Z" !== iso
  ) {
    return null;
  }
  const microseconds = BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, "0"));
  return microseconds >= EARLIEST ? microseconds : null;
}
