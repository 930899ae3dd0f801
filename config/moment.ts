const FORM =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** What a moment is, to follow "expected". */
export const MOMENT =
  'a time ("2026-01-31 22:00", UTC; or with its offset, "2026-01-31 22:00 +01:00")';

/**
 * A moment as YAML or a person writes it: a YAML timestamp, or "YYYY-MM-DD", "YYYY-MM-DD HH:MM[:SS]"
 * with "Z" or an offset behind it; UTC where there is none.
 *
 * @returns Milliseconds since 1970; null where it is none, such as a 30th of February
 */
export function parseMoment(given: unknown): number | null {
  if (given instanceof Date) return Number.isNaN(given.getTime()) ? null : given.getTime();
  const match = typeof given === "string" ? FORM.exec(given.trim()) : null;
  if (!match) return null;
  const [year, month, day, hour = 0, minute = 0, second = 0] = match.slice(1, 7)
    .map((digits) => digits === undefined ? undefined : Number(digits)) as [number, number, number];
  const wall = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // Date.UTC takes what is past the end of a month or a day into the next one.
  const isReal = wall.getUTCMonth() === month - 1 && wall.getUTCDate() === day && hour < 24 &&
    minute < 60 && second < 60;
  const offset = offsetMinutes(match[8]);
  if (!isReal || offset === null) return null;
  const fraction = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000);
  return wall.getTime() + fraction - offset * 60_000;
}

/** Minutes east of UTC. */
function offsetMinutes(zone = "Z"): number | null {
  if (/^z$/i.test(zone)) return 0;
  const [, sign, hours, minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)!;
  if (Number(hours) > 14 || Number(minutes) > 59) return null;
  return (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
}
