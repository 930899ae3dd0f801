import { Counter, Gauge, type Metric, Registry } from "prom-client";
import type { Histogram } from "./histogram.ts";

/** A metric: a name by Prometheus's conventions, what it means, and its one label where it has one. */
export interface Family {
  name: string;
  help: string;
  label?: string;
}

/** What a family's numbers are now: one, or where it has a label, one by each of its values. */
export type Reading<T> = T | ReadonlyMap<string, T> | Readonly<Record<string, T>>;

const MS_PER_SECOND = 1_000;

/**
 * The metrics of one process. The parts count in plain fields; each family is given a function that
 * reads them, called at a scrape alone, so that what counts pays nothing for being looked at.
 */
export class Metrics {
  readonly #registry = new Registry();

  /** For the Content-Type header. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus's text format, version 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** What only grows while the process lives; the name ends in "_total". */
  counter(family: Family, read: () => Reading<number>): void {
    new Counter({
      ...this.#config(family),
      collect() {
        this.reset();
        for (const [labels, value] of series(family, read())) this.inc(labels, value);
      },
    });
  }

  /** What goes up and down. */
  gauge(family: Family, read: () => Reading<number>): void {
    new Gauge({
      ...this.#config(family),
      collect() {
        this.reset();
        for (const [labels, value] of series(family, read())) this.set(labels, value);
      },
    });
  }

  /** Durations counted in milliseconds, shown in seconds. */
  durations(family: Family, read: () => Reading<Histogram>): void {
    const { name, help } = family;
    // prom-client's own histogram is one to observe with. The registry asks a metric for no more than
    // this, which a test holds against the pinned version.
    const metric = {
      name,
      help,
      type: "histogram",
      get: () =>
        Promise.resolve({
          name,
          help,
          type: "histogram",
          values: series(family, read()).flatMap(([labels, histogram]) =>
            histogramLines(name, labels, histogram)
          ),
        }),
    };
    this.#registry.registerMetric(metric as unknown as Metric);
  }

  /** Texts, as the labels of a gauge that is always 1; the name ends in "_info". */
  info({ name, help }: Family, texts: Readonly<Record<string, string>>): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: Object.keys(texts),
      registers: [this.#registry],
    });
    gauge.set({ ...texts }, 1);
  }

  #config({ name, help, label }: Family) {
    return { name, help, labelNames: label ? [label] : [], registers: [this.#registry] };
  }
}

type Labels = Record<string, string>;

function series<T>({ label }: Family, reading: Reading<T>): [Labels, T][] {
  if (label === undefined) return [[{}, reading as T]];
  const entries = reading instanceof Map
    ? [...reading as ReadonlyMap<string, T>]
    : Object.entries(reading as Record<string, T>);
  return entries.map(([value, number]) => [{ [label]: value }, number]);
}

function histogramLines(name: string, labels: Labels, { bounds, counts, sum }: Histogram) {
  let upTo = 0;
  const buckets = counts.map((count, i) => {
    upTo += count;
    const le = i < bounds.length ? String(bounds[i]! / MS_PER_SECOND) : "+Inf";
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: upTo };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum / MS_PER_SECOND },
    { metricName: `${name}_count`, labels, value: upTo },
  ];
}
