/**
 * The message's timestamp, "YYYY-MM-DD HH:MM:SS.ffffff" in UTC, and microseconds since 1970 as
 * a bigint (a double has no room for them after the year 2255).
 */

/** Microseconds since 1970 to text, always with six digits of fraction. */
export function formatTimestamp(microseconds: bigint): string {
  const last = ((microseconds % 1_000n) + 1_000n) % 1_000n;
  const iso = new Date(Number((microseconds - last) / 1_000n)).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(last).padStart(3, "0")}`;
}

/**
 * Text to microseconds since 1970, or null where it is no such time (`isTimestamp`). A fraction may be
 * missing or short, as Python's str(datetime) leaves it out where it is zero.
 */
export function parseTimestamp(text: string): bigint | null {
  if (!isTimestamp(text)) return null;
  const days = daysSince1970(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
  const hours = days * 24 + digits(text, 11, 2);
  const seconds = (hours * 60 + digits(text, 14, 2)) * 60 + digits(text, 17, 2);
  const fraction = text.length > 20 ? Number(text.slice(20).padEnd(6, "0")) : 0;
  return BigInt(seconds) * 1_000_000n + BigInt(fraction);
}

/**
 * Whether a text is a time of the message: no 30th of February, no leap second, a year from 0001 to
 * 9999, which PostgreSQL and the format both hold. By its characters, as a writer asks it up to three
 * times a result: a regex and a Date take ten times as long.
 */
export function isTimestamp(text: string): boolean {
  const { length } = text;
  if (length !== 19 && !(length > 20 && length <= 26 && text.charCodeAt(19) === DOT)) return false;
  for (let at = 20; at < length; at++) if (digitAt(text, at) < 0) return false;
  if (
    text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH || text.charCodeAt(10) !== SPACE ||
    text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON
  ) return false;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)];
  const [hour, minute, second] = [digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)];
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month) &&
    hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59;
}

const [DASH, SPACE, COLON, DOT, ZERO] = [..."- :.0"].map((character) => character.charCodeAt(0));

/** -1 where it is no digit. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO!;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** The number of so many digits; -1 where one is none. */
function digits(text: string, at: number, count: number): number {
  let number = 0;
  for (let n = 0; n < count; n++) {
    const digit = digitAt(text, at + n);
    if (digit < 0) return -1;
    number = number * 10 + digit;
  }
  return number;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysOf(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Of the Gregorian calendar, whatever the year; Date.UTC takes the first century for the twentieth. */
function daysSince1970(year: number, month: number, day: number): number {
  const before = year - 1;
  let days = before * 365 + Math.floor(before / 4) - Math.floor(before / 100) +
    Math.floor(before / 400) - 719_162;
  for (let each = 1; each < month; each++) days += daysOf(year, each);
  return days + day - 1;
}
