import { escapeHtml, span } from "../../runtime/in_words.ts";
import type { Figures, Month, SiteReport } from "./figures.ts";

type Failure = NonNullable<Figures["failures"]>[number];

const COLUMNS = ["site", "uptime", "down", "failures", "p50", "p95", "p99", "unobserved"];

/** A report for a terminal: a line a site, and below it each run of failures. */
export function asText(month: Month, sites: readonly SiteReport[], withFailures: boolean): string {
  const rows = sites.map((report) => cells(report));
  const widths = COLUMNS.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]!.length))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)
    ).join("  ");
  const lines = [`${title(month, sites)}\n`, line(COLUMNS)];
  for (const [index, report] of sites.entries()) {
    lines.push(line(rows[index]!));
    lines.push(...notes(report).map((note) => `  ${note}`));
    if (withFailures) lines.push(...failuresOf(report).map((run) => `  ${inWords(run)}`));
  }
  return `${lines.join("\n")}\n`;
}

/** The same to be printed or sent: one page that needs nothing else. */
export function asHtml(month: Month, sites: readonly SiteReport[]): string {
  const head = COLUMNS.map((name) => `<th>${name}</th>`).join("");
  const body = sites.map((report) => `
<tr>${cells(report).map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>
<tr><td colspan="${COLUMNS.length}">
${notes(report).map((note) => `<p>${note}</p>`).join("")}
<ul>${failuresOf(report).map((run) => `<li>${escapeHtml(inWords(run))}</li>`).join("")}</ul>
<details><summary>how this is computed</summary><pre>${
    escapeHtml(Object.entries(report.sql).map(([figure, sql]) => `-- ${figure}\n${sql}`).join("\n"))
  }</pre></details></td></tr>`).join("");
  return `<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>${escapeHtml(title(month, sites))}</title>
<style>
body { font: 14px system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: 4px 8px; border-top: 1px solid #e4e4e0; vertical-align: top }
th:first-child, td:first-child { text-align: left }
pre { white-space: pre-wrap; font-size: 12px } details { color: #5f6368 }
@media print { details { display: none } }
</style>
<h1>${escapeHtml(title(month, sites))}</h1>
<table><thead><tr>${head}</tr></thead><tbody>${body}
</tbody></table>
<p>Uptime is (up + degraded) / (up + degraded + down) in due times; what no agent reported is
unobserved, and neither.</p>
</html>
`;
}

function notes({ figures, frozen }: SiteReport): string[] {
  const notes: string[] = [];
  if (frozen?.changedSince) {
    notes.push("late results changed this since it was frozen: --freeze keeps another revision");
  }
  if (figures.of !== "hours") {
    notes.push(`of whole ${figures.of}, as what they were added up from is dropped`);
  }
  return notes;
}

function failuresOf({ figures }: SiteReport): Failure[] {
  return figures.failures ?? [];
}

function title({ name, since, until }: Month, sites: readonly SiteReport[]): string {
  const frozen = sites.filter((report) => report.frozen !== null);
  const state = frozen.length === 0
    ? ""
    : `, frozen (${frozen.length} of ${sites.length} sites, latest revision ${
      Math.max(...frozen.map((report) => report.frozen!.revision))
    })`;
  return `Report of ${name}: ${sites.length} sites, ${since} to ${until}${state}`;
}

function cells({ site, figures }: SiteReport): string[] {
  const ms = (value: number | undefined) => value === undefined ? "-" : `${Math.round(value)} ms`;
  const { uptime, minutesDown, failures, responseMs, unobserved } = figures;
  const hours = unobserved.reduce(
    (sum, { started, ended }) => sum + (Date.parse(ended) - Date.parse(started)) / 3_600_000,
    0,
  );
  return [
    site,
    uptime === null ? "-" : percent(uptime),
    duration(minutesDown),
    failures === null ? "-" : String(failures.length),
    ms(responseMs?.p50),
    ms(responseMs?.p95),
    ms(responseMs?.p99),
    hours === 0 ? "-" : duration(hours * 60),
  ];
}

/** With the digits that mean something: what is not whole is never shown as whole. */
export function percent(fraction: number): string {
  if (fraction === 1) return "100 %";
  const digits = fraction > 0.9999 ? 4 : fraction > 0.999 ? 3 : 2;
  return `${(Math.floor(fraction * 100 * 10 ** digits) / 10 ** digits).toFixed(digits)} %`;
}

/** @param minutes Fraction allowed */
export function duration(minutes: number): string {
  return span(Math.round(minutes * 60) * 1_000);
}

function inWords(run: Failure): string {
  const { started, ended, minutes, agents, reason, responseCode, errorMessage } = run;
  const why = [reason, responseCode === null ? null : `status ${responseCode}`, errorMessage]
    .filter((part) => part !== null).join(", ");
  return `${started}  ${ended === null ? "goes on" : duration(minutes)}  ${why || "down"}  ` +
    `(seen by ${agents.length})`;
}
