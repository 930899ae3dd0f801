/** Times and texts as people read them, wherever they stand: in messages, on pages, in reports. */

const UNITS: readonly [ms: number, unit: string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** How long, in two units at most, the rest left out: "4 min 12 s", "3 d 17 h", "12 d". */
export function span(ms: number): string {
  const at = UNITS.findIndex(([size]) => ms >= size);
  if (at === -1) return "0 s";
  const [[size, unit], [small, smaller] = [1_000, ""]] = UNITS.slice(at) as [
    typeof UNITS[number],
    typeof UNITS[number]?,
  ];
  const whole = `${Math.floor(ms / size)} ${unit}`;
  const rest = Math.floor(ms % size / small);
  return rest === 0 || ms >= 10 * UNITS[0]![0] ? whole : `${whole} ${rest} ${smaller}`;
}

/** "2026-05-01 10:03:00 UTC" @param at Milliseconds since 1970, or ISO 8601 in UTC */
export function moment(at: number | string): string {
  const iso = typeof at === "string" ? at : new Date(at).toISOString();
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}

/** A text within HTML, or within an attribute of it. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
