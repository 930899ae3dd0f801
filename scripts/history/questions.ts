import type { ClientBase } from "pg";
import { quantile } from "../measure/statistics.ts";

/** Milliseconds that p95 is to stay under. */
export const TARGETS = { one: 100, page: 100, all: 300 };

/** A question and its SQL; of one site, `$1` is its URL. */
export interface Question {
  name: string;
  of: keyof typeof TARGETS;
  sql: string;
}

const ago = (time: string) => `now() - interval '${time}', now()`;
const PAGE = "(SELECT array_agg(id) FROM generate_series(1, 50) AS id)";
const ONE = "httpmon_site_ids($1)";
const YESTERDAY =
  "date_trunc('day', now(), 'UTC') - interval '1 day', date_trunc('day', now(), 'UTC')";
const WINDOWS = ["24 hours", "7 days", "30 days", "90 days", "365 days"];

/** What docs/questions.md tells how to ask. */
export const QUESTIONS: readonly Question[] = [
  ...WINDOWS.map((time) => one(`uptime, ${time}`, `httpmon_uptime($1, ${ago(time)})`)),
  one("percentiles by hour, 7 days", `httpmon_percentiles($1, ${ago("7 days")}, 'hour')`),
  one("percentiles by day, 90 days", `httpmon_percentiles($1, ${ago("90 days")}, 'day')`),
  one("percentiles by month, a year", `httpmon_percentiles($1, ${ago("365 days")}, 'month')`),
  one("phase by day, 30 days", `httpmon_percentiles($1, ${ago("30 days")}, 'day', 'first_byte')`),
  one("p95, 365 days", `httpmon_percentile($1, 0.95, ${ago("365 days")})`),
  one("chart by hour, 7 days", `httpmon_series(${ONE}, ${ago("7 days")}, 'hour')`),
  one("chart by day, 365 days", `httpmon_series(${ONE}, ${ago("365 days")}, 'day')`),
  one("failures, 30 days", `httpmon_failures(${ONE}, ${ago("30 days")})`),
  one("failures, 365 days", `httpmon_failures(${ONE}, ${ago("365 days")})`),
  one("by location, 30 days", `httpmon_by_location($1, ${ago("30 days")})`),
  one("last ten results", `httpmon_results($1, ${ago("7 days")}, 10)`),
  one("unobserved hours, 30 days", `httpmon_unobserved_hours($1, ${ago("30 days")})`),
  page("uptime, 30 days, each", `httpmon_uptimes(30, ${PAGE})`),
  page("uptime, 90 days, each", `httpmon_uptimes(90, ${PAGE})`),
  page("percentiles, 24 hours, each", `httpmon_percentiles_of(${PAGE}, ${ago("24 hours")})`),
  page("strip of 90 days, each", `httpmon_strips(${PAGE}, ${ago("90 days")}, 'day')`),
  page("last 60 results, each", `httpmon_last_checks(${PAGE}, 60)`),
  all("state now and since when", "httpmon_sites_now()"),
  ...[1, 7, 30, 90, 365].map((days) =>
    all(`uptime, ${days} days, each`, `httpmon_uptimes(${days})`)
  ),
  all("percentiles, yesterday, each", `httpmon_percentiles_of(NULL, ${YESTERDAY})`),
  all("slowest, yesterday", `httpmon_slowest(${YESTERDAY})`),
  all("failures, 24 hours", `httpmon_failures(NULL, ${ago("24 hours")})`),
  all("certificates ending in 30 days", "httpmon_certificates(interval '30 days')"),
];

function one(name: string, source: string): Question {
  return { name, of: "one", sql: `SELECT * FROM ${source}` };
}

function page(name: string, source: string): Question {
  return { name, of: "page", sql: `SELECT * FROM ${source}` };
}

function all(name: string, source: string): Question {
  return { name, of: "all", sql: `SELECT * FROM ${source}` };
}

/** How long a question took, in milliseconds, and how many rows the last answer had. */
export interface Answer {
  question: Question;
  p50: number;
  p95: number;
  rows: number;
}

/** Asks a question so many times, of one site after another; once before, unmeasured. */
export async function ask(
  client: ClientBase,
  question: Question,
  times: number,
  site: (n: number) => string,
): Promise<Answer> {
  const took: number[] = [];
  let rows = 0;
  for (let n = -1; n < times; n++) {
    const start = performance.now();
    const values = question.of === "one" ? [site(n + 1)] : [];
    rows = (await client.query(question.sql, values)).rows.length;
    if (n >= 0) took.push(performance.now() - start);
  }
  return { question, p50: quantile(took, 0.5), p95: quantile(took, 0.95), rows };
}
