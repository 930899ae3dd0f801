import { hashOfValue, identityOf, type Result, type Results } from "./account.ts";
import { saySame } from "./content.ts";
import type { DailyRow, ResultRow, Tables } from "./tables.ts";

/** Results that a retention has dropped. */
export interface Expired {
  /** Their times are before this one, in the form of `ts`. */
  before: string;
  /** Those that were stored, and that the rollups tell of. */
  rolledUp: number;
  /** Those that the writer counted, since. */
  counted: number;
}

interface Found {
  daily: DailyRow[];
  results: ResultRow[];
}

/** I1 to I3: holds the two tables of results against those that were sent. */
export function compareResults(
  { daily, results, letters }: Pick<Tables, "daily" | "results" | "letters">,
  { acknowledged, records, told }: Results,
  expired: Expired | null = null,
): { lost: string[]; twice: string[]; invented: string[] } {
  const stored = new Map<string, Found>();
  const at = (identity: string): Found => {
    const found = stored.get(identity) ?? { daily: [], results: [] };
    stored.set(identity, found);
    return found;
  };
  for (const row of daily) at(identityOf(row)).daily.push(row);
  for (const row of results) at(identityOf(row)).results.push(row);

  const lost: string[] = [];
  const setAside = new Set(letters.map(({ valueHash }) => valueHash));
  const due = new Set([...acknowledged, ...records].map(({ value }) => value));
  const gone = new Set<string>();
  for (const value of due) {
    const result = told.get(value)!;
    const { identity } = result;
    if (expired && result.ts < expired.before) {
      gone.add(identity);
      continue;
    }
    const isRow = tells(stored.get(identity), result);
    if (!isRow && !setAside.has(hashOfValue(value))) lost.push(`lost ${identity}`);
  }

  if (expired) {
    const known = expired.rolledUp + expired.counted;
    // One that was sent twice is counted twice.
    const times = records.filter(({ value }) => told.get(value)!.ts < expired.before).length;
    if (known < gone.size || known > times) {
      lost.push(`${known} results rolled up or expired, of ${gone.size} in ${times} records`);
    }
  }
  const candidates = Map.groupBy(told.values(), ({ identity }) => identity);
  const twice: string[] = [];
  const invented: string[] = [];
  for (const [identity, found] of stored) {
    const times = Math.max(found.daily.length, found.results.length);
    if (times > 1) twice.push(`${identity} ${times} times`);
    if (found.daily.length !== found.results.length) {
      invented.push(
        `${identity} ${found.daily.length} times in mon_daily, ` +
          `${found.results.length} times in check_results`,
      );
    }
    const possible = candidates.get(identity);
    if (!possible) invented.push(identity);
    else if (!possible.some((result) => tells(found, result))) {
      invented.push(`${identity} with other content`);
    }
  }
  return { lost, twice, invented };
}

/** Whether the rows of an identity are there, and each says what `result` says. */
function tells(found: Found | undefined, result: Result): boolean {
  if (!found || found.daily.length === 0 || found.results.length === 0) return false;
  return found.results.every((row) => saySame(row, result)) &&
    found.daily.every((row) => isDailyOf(row, result));
}

/** mon_daily has whole milliseconds, of four bytes' precision. */
function isDailyOf(row: DailyRow, result: Result): boolean {
  return row.regexresult === result.regexResult && row.responsecode === result.responseCode &&
    row.errormessage === result.errorMessage && row.responsetime !== null &&
    Math.abs(row.responsetime - result.responseTime) <= 0.501;
}
