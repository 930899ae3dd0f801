import type { Child } from "hono/jsx";
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
export function ResponseChart(props: ChartProps) {
  const { points, range: { stepMs }, gapMs } = props;
  const lines = ["p50", "p95", "p99"] as const;
  const top = niceTop(points.map((point) => Math.max(...lines.map((line) => point[line] ?? 0))));
  const draw = ({ x, y }: Scales) =>
    lines.toReversed().map((line) => (
      <path
        class={line}
        d={pathOf(
          points,
          stepMs + gapMs,
          (point) => point[line],
          x,
          y,
        )}
      />
    ));
  return <Figure {...props} kind="response" lines={lines} top={top} draw={draw} />;
}

/** The medians of the phases, one on the other. */
export function PhaseChart(props: ChartProps) {
  const { points, range: { stepMs } } = props;
  const sums = points.map((point) => {
    let sum = 0;
    return PHASES.map((phase) => sum += point[phase] ?? 0);
  });
  const top = niceTop(sums.map((sum) => sum.at(-1)!));
  const draw = ({ x, y }: Scales) =>
    PHASES.map((_, n) => {
      const boxes = points.map(({ at, p50 }, of) => {
        const [low, high] = [n === 0 ? 0 : sums[of]![n - 1]!, sums[of]![n]!];
        if (p50 === null || high === low) return "";
        return `M${x(at)} ${y(low)}H${x(at + stepMs)}V${y(high)}H${x(at)}z`;
      });
      return <path class={`phase-${n + 1}`} d={boxes.join("")} />;
    });
  return <Figure {...props} kind="phases" lines={PHASES} top={top} draw={draw} />;
}

interface FigureProps extends ChartProps {
  kind: "response" | "phases";
  lines: readonly ("p50" | "p95" | "p99" | typeof PHASES[number])[];
  /** Where it ends, ms. */
  top: number;
  draw: (scales: Scales) => Child;
}

function Figure({ points, range, gapMs, kind, lines, top, draw }: FigureProps) {
  const scales = scalesOf(range, top);
  const { x } = scales;
  const isStacked = kind === "phases";
  const legend = [
    ...lines.map((line, n) => [isStacked ? `phase-${n + 1}` : line, line.replace("_", " ")]),
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
    lines: Object.fromEntries(lines.map((line) => [line, points.map((one) => round(one[line]))])),
  };
  const spans = (some: readonly [from: number, to: number][]) =>
    some.map(([from, to]) => `M${x(from)} 0H${x(to)}V${HEIGHT}H${x(from)}z`).join("");
  return (
    <figure class={`chart ${kind}`} data-chart={JSON.stringify(data)}>
      <figcaption>
        {legend.map(([as, says], n) => (
          <span class="key">
            <svg viewBox="0 0 16 8" aria-hidden="true">
              <path class={as} d={isStacked || n >= lines.length ? "M0 0h16v8h-16z" : "M0 4h16"} />
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
          {draw(scales)}
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

type Scales = ReturnType<typeof scalesOf>;

function scalesOf({ since, until }: Range, top: number) {
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
