/** One metric of a scrape. */
export interface ScrapedFamily {
  type: string;
  help: string;
  samples: Sample[];
}

/** One line of numbers. */
export interface Sample {
  /** With the "_bucket", "_sum" or "_count" of a histogram's. */
  name: string;
  labels: Record<string, string>;
  value: number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"`;
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);
const VALUE = /^(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]Inf|NaN)$/i;

/**
 * Reads a scrape, by name. Checks Prometheus's text format 0.0.4 as strictly as it is written down,
 * and more: each metric has its help and type once and before its lines, a counter ends in "_total",
 * no line is there twice, and a histogram's buckets grow up to its count.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 *
 * @throws {Error} Naming the line that is wrong
 */
export function parseExposition(text: string): Map<string, ScrapedFamily> {
  if (!text.endsWith("\n")) throw new Error("The last line does not end");
  const families = new Map<string, ScrapedFamily>();
  const seen = new Set<string>();
  let current: [name: string, family: ScrapedFamily] | null = null;
  for (const line of text.split("\n")) {
    const fail = (why: string) => new Error(`${why}: ${JSON.stringify(line)}`);
    if (line === "") continue;
    const help = HELP.exec(line);
    if (help) {
      const [, name, words] = help;
      if (families.has(name!)) throw fail("A metric comes twice");
      current = [name!, { type: "", help: words!, samples: [] }];
      families.set(...current);
      continue;
    }
    const type = TYPE.exec(line);
    if (type) {
      const [, name, kind] = type;
      if (current?.[0] !== name || current![1].type !== "") throw fail("A type is out of place");
      if ((kind === "counter") !== name!.endsWith("_total")) throw fail("The name does not fit");
      current![1].type = kind!;
      continue;
    }
    const match = SAMPLE.exec(line);
    if (!match) throw fail("Not a line of the format");
    const [, name, labels = "", value] = match;
    if (!VALUE.test(value!)) throw fail("Not a number");
    const [familyName, family] = current ?? ["", null];
    const suffixes = family?.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    if (!suffixes.some((suffix) => name === familyName + suffix)) throw fail("Out of place");
    if (seen.has(`${name}{${labels}}`)) throw fail("A line comes twice");
    seen.add(`${name}{${labels}}`);
    family!.samples.push({ name: name!, labels: parseLabels(labels), value: toNumber(value!) });
  }
  for (const [name, { type, samples }] of families) {
    if (type === "") throw new Error(`"${name}" has no type`);
    if (type === "histogram") checkHistogram(name, samples);
  }
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const pairs = text.matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g);
  const unescape = (value: string) =>
    value.replace(/\\(.)/g, (_, character) => character === "n" ? "\n" : character);
  return Object.fromEntries([...pairs].map(([, name, value]) => [name, unescape(value!)]));
}

function toNumber(text: string): number {
  return Number(text.replace(/Inf$/i, "Infinity"));
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const bySeries = new Map<string, { les: number[]; buckets: number[]; count?: number }>();
  let sums = 0;
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    const series = bySeries.get(key) ?? { les: [], buckets: [] };
    bySeries.set(key, series);
    if (sample.name.endsWith("_bucket")) {
      series.les.push(toNumber(le!));
      series.buckets.push(sample.value);
    } else if (sample.name.endsWith("_count")) series.count = sample.value;
    else sums++;
  }
  for (const { les, buckets, count } of bySeries.values()) {
    const grows = (list: number[]) => list.every((value, i) => i === 0 || value >= list[i - 1]!);
    if (les.at(-1) !== Infinity || !grows(les) || !grows(buckets) || buckets.at(-1) !== count) {
      throw new Error(`The buckets of "${name}" do not add up`);
    }
  }
  if (sums !== bySeries.size) throw new Error(`"${name}" lacks a sum`);
}

/** The value of the one line with this name and labels. @throws {Error} Where there is none */
export function valueOf(
  families: ReadonlyMap<string, ScrapedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  for (const { samples } of families.values()) {
    const found = samples.find((sample) =>
      sample.name === name && Object.entries(labels).every(([k, v]) => sample.labels[k] === v)
    );
    if (found) return found.value;
  }
  throw new Error(`There is no ${name}${JSON.stringify(labels)}`);
}
