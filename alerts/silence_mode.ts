import process from "node:process";
import type { Pool } from "pg";
import { type Matcher, parseMatcher, showMatcher } from "../config/matchers.ts";
import { createPool } from "../db/connect/pool.ts";
import { withPool } from "../db/connect/with_pool.ts";
import { endSilence, silence, silences } from "../db/silences.ts";
import { EXIT, type ExitCode, UsageError } from "../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../runtime/cli/mode_context.ts";
import { withOutput } from "../runtime/cli/output.ts";
import { span } from "../runtime/in_words.ts";

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/**
 * Mode "silence": makes a silence, ends one (`--end`), or lists those that are not over.
 *
 * @throws {UsageError} For a silence that is none, or is over
 */
export async function silenceMode(
  { config, options, clock, log, signal }: ModeContext,
): Promise<ExitCode> {
  const { args, end, forTime, why } = options;
  const pool = createPool(config.database!.dsn, {
    max: 1,
    applicationName: "httpmon-silence",
    log,
  });
  return await withPool(pool, async () => {
    const said = await (end !== null
      ? ended(pool, end)
      : args.length > 0
      ? made(pool, { matchers: matchersOf(args), forTime, why })
      : listed(pool, clock.now()));
    return await withOutput(signal, async (print) => {
      await print(said);
      return EXIT.done;
    });
  });
}

/** `all`, matchers, or the name or URL of a site. @throws {UsageError} */
function matchersOf(args: readonly string[]): Matcher[] {
  if (args.length === 1 && args[0] === "all") return [];
  return args.map((arg) => {
    if (!/^\s*\w+\s*[=!]/.test(arg)) {
      return { name: "site", value: arg, isRegex: false, isEqual: true };
    }
    const matcher = parseMatcher(arg);
    if (matcher !== null) return matcher;
    throw new UsageError(
      `"${arg}" is no matcher such as group=web, severity!=warning or site=~shop.*`,
    );
  });
}

async function made(
  pool: Pool,
  { matchers, forTime, why }: { matchers: Matcher[]; forTime: string | null; why: string | null },
): Promise<string> {
  if (forTime === null || why === null) {
    throw new UsageError('A silence needs "--for", 2h for one, and "--why"');
  }
  const seconds = Number(forTime.slice(0, -1)) * UNITS[forTime.at(-1) as keyof typeof UNITS];
  const createdBy = process.env.USER || null;
  const id = await silence(pool, { matchers, seconds, why, createdBy });
  return `Silence ${id}: nobody is told of what opens where ${shown(matchers)} for ${
    span(seconds * 1_000)
  }\n`;
}

async function ended(pool: Pool, id: string): Promise<string> {
  if (!await endSilence(pool, id)) throw new UsageError(`Silence ${id} is over, or there is none`);
  return `Silence ${id} has ended\n`;
}

async function listed(pool: Pool, now: number): Promise<string> {
  const found = await silences(pool);
  if (found.length === 0) return "Nothing is silenced\n";
  return found.map(({ id, matchers, startsAt, endsAt, why, createdBy, held }) => {
    const when = startsAt > now
      ? `from ${new Date(startsAt).toISOString()}`
      : `for another ${span(endsAt - now)}`;
    return `${id}  ${shown(matchers)}  ${when}  ${why}${createdBy ? ` (${createdBy})` : ""}${
      held > 0 ? `  holds back ${held}` : ""
    }\n`;
  }).join("");
}

function shown(matchers: readonly Matcher[]): string {
  return matchers.length === 0 ? "anything" : matchers.map(showMatcher).join(" and ");
}
