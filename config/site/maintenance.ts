import { Cron } from "croner";
import { z } from "zod";
import { number, optional, parsed, section, textLike } from "../fields.ts";

const FORM =
  /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s*(?:Z|([+-](?:0\d|1[0-4])):?(\d\d)?)?)?$/i;

/** What a moment is, to follow "expected". */
const MOMENT = 'a time ("2026-01-31 22:00", UTC; or with its offset, "2026-01-31 22:00 +01:00")';

const MAX_DURATION_S = 604_800;
const CRON = 'a cron expression of five fields ("0 3 * * SUN"), or "@daily" and the like';
const TIME_ZONE = 'a time zone\'s name ("Europe/Berlin")';
const WHAT = 'either "cron" and "duration", or "from" and "to"';

const moment = parsed(z.unknown(), MOMENT, parseMoment);

const entry = section({
  cron: optional(textLike(CRON, isCron)),
  duration: optional(number(0, MAX_DURATION_S, "seconds")),
  time_zone: optional(textLike(TIME_ZONE, isTimeZone)),
  from: optional(moment),
  to: optional(moment),
}, "a map of keys").superRefine(({ cron, duration, time_zone, from, to }, ctx) => {
  const fail = (message: string, key: string) =>
    ctx.addIssue({ code: "custom", message, path: [key] });
  if (cron === null) {
    const stray = duration !== null ? "duration" : time_zone !== null ? "time_zone" : null;
    if (stray !== null) return fail(`a cron expression beside "${stray}"`, "cron");
    if (from === null && to === null) return ctx.addIssue({ code: "custom", message: WHAT });
    if (from === null) fail('the start beside "to"', "from");
    else if (to === null) fail('the end beside "from"', "to");
    else if (to <= from) fail('a time after "from"', "to");
    return;
  }
  if (duration === null) fail('how many seconds it lasts beside "cron"', "duration");
  if (from !== null) fail('no "from" beside "cron"', "from");
  if (to !== null) fail('no "to" beside "cron"', "to");
});

/** `maintenance:` of a site. */
export const maintenanceList = z.array(entry, { error: "a list of maintenances" });

/** A time in which a site may be down: of one checked entry of `maintenance:`. */
export function toMaintenance(yaml: z.output<typeof entry>) {
  if (yaml.cron === null) {
    // Milliseconds since 1970.
    return { kind: "once" as const, from: yaml.from!, to: yaml.to! };
  }
  // Starts at each time of a cron expression, in a time zone, and lasts so long.
  return {
    kind: "cron" as const,
    cron: yaml.cron,
    durationMs: Math.max(1, Math.round(yaml.duration! * 1000)),
    timeZone: yaml.time_zone ?? "UTC",
  };
}

export type Maintenance = ReturnType<typeof toMaintenance>;

/** Whether `text` is a cron expression that ever comes; croner takes seconds and dates as well. */
function isCron(text: string): boolean {
  if (!/^\s*(?:@[a-z]+|(?:\S+\s+){4}\S+)\s*$/i.test(text)) return false;
  try {
    return new Cron(text, { paused: true, timezone: "UTC" }).nextRun() !== null;
  } catch {
    return false;
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}

/**
 * A moment as YAML or a person writes it: a YAML timestamp, or "YYYY-MM-DD", "YYYY-MM-DD HH:MM[:SS]"
 * with "Z" or an offset behind it; UTC where there is none.
 *
 * @returns Milliseconds since 1970; null where it is none, such as a 30th of February
 */
export function parseMoment(given: unknown): number | null {
  if (given instanceof Date) return Number.isNaN(given.getTime()) ? null : given.getTime();
  const found = typeof given === "string" ? FORM.exec(given.trim()) : null;
  if (!found) return null;
  const [, day, time = "00:00", hours = "+00", minutes = "00"] = found;
  const moment = Date.parse(`${day}T${time}${hours}:${minutes}`);
  // Date.parse() takes what is past the end of a month or a day into the next one.
  const isReal = new Date(Date.parse(`${day}T${time}Z`)).toJSON()?.startsWith(day!);
  return isReal && !Number.isNaN(moment) ? moment : null;
}
