import type { Change } from "../../alerts/state/change.ts";

/** A line of the picture: a name, and a mark for each column. */
export interface Row {
  name: string;
  marks: string;
}

/** Rows below one another, with the minutes over them. */
export function picture(rows: readonly Row[], minutesPerColumn: number): string {
  const width = Math.max(...rows.map(({ name }) => name.length)) + 2;
  const columns = Math.max(...rows.map(({ marks }) => marks.length));
  const scale = Array.from(
    { length: Math.ceil(columns / 10) },
    (_, ten) => String(Math.round(ten * 10 * minutesPerColumn)).padEnd(10),
  ).join("");
  return [
    `${"minute".padEnd(width)}${scale.trimEnd()}`,
    ...rows.map(({ name, marks }) => `${name.padEnd(width)}${marks}`),
  ].join("\n");
}

/** When and what of whom a change tells. @param start Milliseconds since 1970 */
export function changeToldOf(
  change: Change,
  start: number,
): { time: string; how: string; who: string } {
  const { subject, kind, what } = change;
  const us = what === "resolved"
    ? change.closedAt
    : what === "opened"
    ? change.openedAt
    : change.at * 1_000;
  const seconds = Math.round(us / 1e6 - start / 1_000);
  return {
    time: `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`,
    how: what === "flapping" && !change.isFlapping ? "flapping no more" : what,
    who: `${kind} of ${"site" in subject ? `site ${subject.site}` : subject.agent}`,
  };
}

/** What would be told, a line each. @param start Milliseconds since 1970 */
export function pages(changes: readonly Change[], start: number): string[] {
  return changes.map((change) => {
    const { time, how, who } = changeToldOf(change, start);
    const more = change.what === "opened" ? ` (${change.severity}): ${change.cause}` : "";
    return `${time.padStart(8)}  ${how.padEnd(8)}  ${who}${more}`;
  });
}
