import { raw } from "hono/html";
import { type State, STATES } from "../../data/now/site_state.ts";
import { DAY_MS } from "../../data/past/history.ts";
import type { Check } from "../../data/past/results.ts";
import type { Counts } from "../../data/past/ring.ts";
import { percent } from "./format.ts";

const STEP = 4;
const HEIGHT = 20;
/** What is not up stands a little higher than what is. */
const TOP = 4;

const LETTERS: Record<State, string> = {
  up: "u",
  degraded: "g",
  down: "d",
  unknown: "k",
  maintenance: "m",
  unobserved: "n",
};

/** A cell: what it is drawn as, and for "down" how much of it, from 0 to 1. */
interface Cell {
  as: State;
  share: number;
  /** For who hovers: the page's script makes words of it. */
  tells: string;
}

/** Days that have nothing more to tell: a page has thousands of them. */
const DAYS = Object.fromEntries(
  Object.entries(LETTERS).map(([as, tells]) => [as, { as, share: 1, tells }]),
) as Record<State, Cell>;

/** What unobserved cells are filled with; once a page. */
export function Hatch() {
  return (
    <svg class="hidden" aria-hidden="true">
      <defs>
        <pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse">
          <path d="M-1 5 5-1M1 7 7 1M-3 3 3-3" />
        </pattern>
      </defs>
    </svg>
  );
}

/** The days of a site, the last one today. The oldest ones that nobody observed are left blank. */
export function DayStrip({ days, now }: { days: readonly Counts[]; now: number }) {
  const cells = days.map(cellOfDay);
  const first = cells.findIndex(({ as }) => as !== "unobserved");
  const from = new Date((Math.floor(now / DAY_MS) - days.length + 1) * DAY_MS);
  const shown = cells.map((cell, n) => n < first || first === -1 ? null : cell);
  return (
    <Strip
      cells={shown}
      label={`The last ${days.length} days: ${inWords(shown, "day")}`}
      tells={{ "data-days": from.toISOString().slice(0, 10) }}
    />
  );
}

/** The last checks of a site, the newest one last. */
export function CheckStrip({ checks, length }: { checks: readonly Check[]; length: number }) {
  const cells = checks.map(({ ts, state, responseMs }, n): Cell => ({
    as: STATES[state]!,
    share: 1,
    // The time since the one before: shorter than the time.
    tells: `${LETTERS[STATES[state]!]}${Math.round((ts - (checks[n - 1]?.ts ?? ts)) / 1_000)}:${
      responseMs === null ? "" : Math.round(responseMs)
    }`,
  }));
  const blank = Array.from({ length: Math.max(0, length - cells.length) }, () => null);
  return (
    <Strip
      cells={[...blank, ...cells]}
      label={`The last ${checks.length} checks: ${inWords(cells, "check")}`}
      tells={{ "data-checks": String(checks[0]?.ts ?? 0) }}
    />
  );
}

function cellOfDay({ up, degraded, down, unknown, maintenance }: Counts): Cell {
  const counted = up + degraded + down;
  if (down > 0) {
    const uptime = percent((up + degraded) / counted);
    // A few minutes of a day are to be seen, too.
    return { as: "down", share: Math.max(0.5, down / counted), tells: `d${uptime}` };
  }
  if (degraded > 0) return DAYS.degraded;
  if (counted > 0) return DAYS.up;
  if (maintenance > 0) return DAYS.maintenance;
  return unknown > 0 ? DAYS.unknown : DAYS.unobserved;
}

function inWords(cells: readonly (Cell | null)[], unit: string): string {
  const counts = new Map<string, number>();
  for (const cell of cells) if (cell) counts.set(cell.as, (counts.get(cell.as) ?? 0) + 1);
  const some = (as: string) => as === "down" && unit === "day" ? "with downtime" : as;
  const words = [...counts].map(([as, n]) => `${n} ${some(as)}`).join(", ");
  return words || "nothing is known";
}

interface StripProps {
  cells: readonly (Cell | null)[];
  label: string;
  tells: Record<string, string>;
}

/** Runs of equal cells are one line each, cut up by its dashes: a strip of 90 cells is some 200 bytes. */
function Strip({ cells, label, tells }: StripProps) {
  if (cells.every((cell) => cell === null)) return raw('<span class="none">–</span>');
  const paths: Partial<Record<State, string>> = {};
  const add = (as: State, d: string) => paths[as] = (paths[as] ?? "") + d;
  const texts: string[] = [];
  for (let at = 0; at < cells.length;) {
    const cell = cells[at] ?? null;
    let end = at + 1;
    // Of the same state, and of those the ones that tell the same.
    while (end < cells.length && cells[end]?.as === cell?.as && cell?.as !== "down") end++;
    if (cell === null) texts.push(`${end - at}-`);
    else {
      draw(cell, at * STEP, (end - at) * STEP - 1);
      for (let from = at; from < end;) {
        const { tells } = cells[from]!;
        const first = from++;
        while (from < end && cells[from]!.tells === tells) from++;
        texts.push(from - first > 1 ? `${from - first}${tells}` : tells);
      }
    }
    at = end;
  }
  // As text, as a page has a hundred; nothing in it is from outside.
  const words = Object.entries({ ...tells, "aria-label": label, "data-cells": texts.join(" ") })
    .map(([name, value]) => ` ${name}="${value}"`).join("");
  const drawn = Object.entries(paths).map(([as, d]) => `<path class="${as}" d="${d}"></path>`);
  const width = cells.length * STEP - 1;
  return raw(
    `<svg class="strip" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img"` +
      `${words}>${drawn.join("")}</svg>`,
  );

  function draw(cell: Cell, x: number, width: number) {
    const middle = (HEIGHT + TOP) / 2;
    if (cell.as === "unobserved") add(cell.as, `M${x} ${TOP}h${width}v16h-${width}z`);
    else if (cell.as !== "down") add(cell.as, `M${x} ${middle}h${width}`);
    else {
      const height = Math.round(cell.share * HEIGHT);
      if (height < HEIGHT) add("up", `M${x} ${middle}h${width}`);
      add("down", `M${x} 0h3v${height}h-3z`);
    }
  }
}
