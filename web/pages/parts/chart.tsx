import type { Range } from "../../data/past/range.ts";
import { PHASES, type Point } from "../../data/past/series.ts";
import { amount, exact } from "./format.ts";

const WIDTH = 1_000;
const HEIGHT = 200;

interface ChartProps {
  points: readonly Point[];
  range: Range;
  /** From so long on it is a gap that no point is of. */
  gapMs: number;
}

/** Response times over a range: p50, p95 and p99, failures shaded, gaps hatched. */
export function ResponseChart({ points, range, gapMs }: ChartProps) {
  const lines = ["p99", "p95", "p50"] as const;
  const top = niceTop(points.map(({ p50, p95, p99 }) => Math.max(p50 ?? 0, p95 ?? 0, p99 ?? 0)));
  const { x, y } = scales(range, top);
  return (
    <Figure {...{ points, range, gapMs, top }} kind="response" keys={[...lines].reverse()}>
      {lines.map((line) => (
        <path
          class={line}
          d={pathOf(points, range.stepMs + gapMs, (point) => point[line], x, y)}
        />
      ))}
    </Figure>
  );
}

/** The medians of the phases, one on the other. */
export function PhaseChart({ points, range, gapMs }: ChartProps) {
  const sums = points.map((point) => {
    let sum = 0;
    return PHASES.map((phase) => sum += point[phase] ?? 0);
  });
  const top = niceTop(sums.map((sum) => sum.at(-1)!));
  const { x, y } = scales(range, top);
  return (
    <Figure {...{ points, range, gapMs, top }} kind="phases" keys={PHASES}>
      {PHASES.map((_, n) => (
        <path
          class={`phase-${n + 1}`}
          d={points.map((point, at) => {
            if (point.p50 === null) return "";
            const [from, to] = [x(point.at), x(point.at + range.stepMs)];
            const [low, high] = [n === 0 ? 0 : sums[at]![n - 1]!, sums[at]![n]!];
            return high === low ? "" : `M${from} ${y(low)}H${to}V${y(high)}H${from}z`;
          }).join("")}
        />
      ))}
    </Figure>
  );
}

interface FigureProps extends ChartProps {
  kind: "response" | "phases";
  keys: readonly string[];
  top: number;
  children?: unknown;
}

function Figure({ points, range, gapMs, kind, keys, top, children }: FigureProps) {
  const { x } = scales(range, top);
  const isStacked = kind === "phases";
  const columns = isStacked ? PHASES : ["p50", "p95", "p99"] as const;
  const legend = [
    ...keys.map((key, n) => [isStacked ? `phase-${n + 1}` : key, key.replace("_", " ")]),
    ["failed", "down"],
    ["gap", "not observed"],
  ];
  const round = (value: number | null) => value === null ? null : Number(value.toPrecision(4));
  const data = {
    kind,
    since: range.since / 1_000,
    until: range.until / 1_000,
    step: range.stepMs / 1_000,
    gap: gapMs / 1_000,
    at: points.map(({ at }) => Math.round(at / 1_000)),
    // Of each point the share of its slots that are down.
    down: points.map(({ up, degraded, down }) => round(down / (up + degraded + down || 1))),
    lines: Object.fromEntries(
      columns.map((name) => [name, points.map((point) => round(point[name]))]),
    ),
  };
  const spans = (some: readonly [from: number, to: number][]) =>
    some.map(([from, to]) => `M${x(from)} 0H${x(to)}V${HEIGHT}H${x(from)}z`).join("");
  return (
    <figure class={`chart ${kind}`} data-chart={JSON.stringify(data)}>
      <figcaption>
        {legend.map(([as, says], n) => (
          <span class="key">
            <svg viewBox="0 0 16 8" aria-hidden="true">
              <path class={as} d={isStacked || n >= keys.length ? "M0 0h16v8h-16z" : "M0 4h16"} />
            </svg>
            {says}
          </span>
        ))}
        <span class="reading" aria-live="polite"></span>
      </figcaption>
      <div class="plot">
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${kind}, ${exact(range.since)} to ${exact(range.until)}`}
        >
          <path class="gap" d={spans(gapsOf(points, range, gapMs))} />
          <path
            class="failed"
            d={spans(points.flatMap(({ at, down }) => down > 0 ? [[at, at + range.stepMs]] : []))}
          />
          {children}
        </svg>
      </div>
      <div class="axis">
        <span>{exact(range.since).slice(0, 16)}</span>
        <span>0 to {amount(top)} ms</span>
        <span>{exact(range.until).slice(0, 16)} UTC</span>
      </div>
    </figure>
  );
}

/** The spans of a range that no point is of. */
function gapsOf(
  points: readonly Point[],
  { since, until, stepMs }: Range,
  gapMs: number,
): [number, number][] {
  const gaps: [number, number][] = [];
  let last = since;
  for (const { at } of points) {
    if (at - last >= gapMs) gaps.push([last, at]);
    last = at + stepMs;
  }
  if (until - last >= gapMs) gaps.push([last, until]);
  return gaps;
}

function scales({ since, until }: Range, top: number) {
  const x = (at: number) =>
    Math.round(Math.min(1, Math.max(0, (at - since) / (until - since))) * WIDTH * 10) / 10;
  const y = (ms: number) => Math.round((1 - ms / top) * HEIGHT * 10) / 10;
  return { x, y };
}

function pathOf(
  points: readonly Point[],
  joinedMs: number,
  value: (point: Point) => number | null,
  x: (at: number) => number,
  y: (ms: number) => number,
): string {
  let d = "";
  let last: number | null = null;
  for (const point of points) {
    const ms = value(point);
    if (ms === null) continue;
    // Over a gap there is no line.
    const joined: boolean = last !== null && point.at - last < joinedMs;
    d += joined ? `L${x(point.at)} ${y(ms)}` : `M${x(point.at)} ${y(ms)}h1`;
    last = point.at;
  }
  return d;
}

/** A round number that is over nearly all of these, so that one spike does not flatten the rest. */
function niceTop(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const high = Math.max(sorted[Math.floor(sorted.length * 0.98)] ?? 0, (sorted.at(-1) ?? 0) / 4, 1);
  const scale = 10 ** Math.floor(Math.log10(high));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((n) => n * scale).find((n) => n >= high * 1.05) ??
    20 * scale;
}
