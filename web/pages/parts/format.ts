export { moment as exact, span } from "../../../runtime/in_words.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long, in one unit: "4 min". @param ms Milliseconds */
export function short(ms: number): string {
  if (ms >= 2 * DAY) return `${Math.floor(ms / DAY)} d`;
  if (ms >= 2 * HOUR) return `${Math.floor(ms / HOUR)} h`;
  if (ms >= 2 * MINUTE) return `${Math.floor(ms / MINUTE)} min`;
  return `${Math.max(0, Math.floor(ms / 1_000))} s`;
}

/** "99.98": cut, so that what is not whole is never shown as 100.00. */
export function percent(fraction: number): string {
  // So many slots may be a hair below what they stand for.
  return (Math.floor(fraction * 10_000 + 1e-6) / 100).toFixed(2);
}

/** Three digits at most, or whole numbers: "0.84", "41.2", "1,204". */
export function amount(value: number): string {
  if (value >= 100) return count(Math.round(value));
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** "1,204" */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** "3 sites", "1 site" */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** "1.2 kB" */
export function bytes(n: number): string {
  const power = n < 1e3 ? 0 : n < 1e6 ? 1 : n < 1e9 ? 2 : 3;
  return `${power === 0 ? n : amount(n / 1_000 ** power)} ${["B", "kB", "MB", "GB"][power]}`;
}

/** "October 2026" @param month "2026-10" */
export function monthInWords(month: string): string {
  return dayInWords(Date.parse(`${month}-01`)).replace(/^\S+ /, "");
}

/** "9 October 2026", UTC. */
export function dayInWords(at: number): string {
  return new Date(at).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
}
