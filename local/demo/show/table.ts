import type { Verdict } from "../../../wire/message.ts";
import type { Paint } from "./paint.ts";

/** What the demo shows of one site: its last stored check. */
export interface SiteRow {
  name: string;
  /** Null: nothing is stored yet. */
  verdict: Verdict | null;
  status: number | null;
  ms: number | null;
  regex: boolean | null;
  /** Rows stored since the demo began. */
  rows: number;
  /** Of the last check that was not up, which may be an earlier one. */
  lastError: string | null;
  /** Its last incident since the demo began, and whether the webhook's receiver heard of it. */
  incident: string | null;
}

const COLOURS = { up: "green", degraded: "yellow", down: "red", unknown: "yellow" } as const;

interface Column {
  title: string;
  right?: boolean;
  text: (row: SiteRow) => string;
}

const COLUMNS: readonly Column[] = [
  { title: "SITE", text: ({ name }) => shorten(printable(name), 28) },
  { title: "STATE", text: ({ verdict }) => verdict ?? "..." },
  { title: "STATUS", right: true, text: ({ status }) => String(status ?? "-") },
  { title: "TIME", right: true, text: ({ ms }) => ms === null ? "-" : `${ms.toFixed(1)} ms` },
  {
    title: "REGEX",
    text: ({ regex }) => regex === null ? "-" : regex ? "match" : "no match",
  },
  { title: "ROWS", right: true, text: ({ rows }) => String(rows) },
  { title: "INCIDENT", text: ({ incident }) => incident ?? "-" },
  { title: "LAST ERROR", text: ({ lastError }) => printable(lastError ?? "-") },
];

/**
 * The table's lines, at most `height` of them and `width` characters wide each. Sites that find no
 * room are counted in the last line.
 */
export function renderTable(
  rows: readonly SiteRow[],
  size: { width: number; height: number },
  paint: Paint,
): string[] {
  const room = Math.max(1, size.height - 1);
  const shown = rows.length <= room ? rows : rows.slice(0, room - 1);
  const cells = shown.map((row) => COLUMNS.map((column) => column.text(row)));
  const widths = COLUMNS.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((line) => line[i]!.length))
  );
  // The last column takes what is left of the line.
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  widths[widths.length - 1] = Math.max(0, size.width - before);

  const lineOf = (texts: string[]) =>
    texts.map((text, i) => {
      const fitted = shorten(text, widths[i]!);
      if (i === texts.length - 1) return fitted;
      return COLUMNS[i]!.right ? fitted.padStart(widths[i]!) : fitted.padEnd(widths[i]!);
    });
  const lines = [paint("bold", lineOf(COLUMNS.map(({ title }) => title)).join("  "))];
  shown.forEach((row, n) => {
    const parts = lineOf(cells[n]!);
    parts[1] = row.verdict ? paint(COLOURS[row.verdict], parts[1]!) : paint("dim", parts[1]!);
    if (row.verdict === "up") parts[7] = paint("dim", parts[7]!);
    lines.push(parts.join("  ").trimEnd());
  });
  if (shown.length < rows.length) lines.push(paint("dim", andMore(rows.slice(shown.length))));
  return lines;
}

/** How many sites there are of each verdict: "8 up, 4 down". */
export function countVerdicts(rows: readonly SiteRow[]): string {
  const counts = new Map<string, number>();
  for (const { verdict } of rows) {
    const name = verdict ?? "waiting";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return ["up", "degraded", "down", "unknown", "waiting"]
    .filter((name) => counts.has(name))
    .map((name) => `${counts.get(name)} ${name}`)
    .join(", ");
}

function andMore(rows: readonly SiteRow[]): string {
  return `and ${rows.length} more: ${countVerdicts(rows)}`;
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`.slice(0, width);
}

/** What a site sends may reach the error's text; nothing of it is to move a terminal's cursor. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}
