/** "12 s", "3 min", "2 h 5 min", "4 d 3 h": two parts at the most, the rest left out. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  // Who hears of minutes needs no seconds.
  const shown = parts.slice(first, first + (parts[first]![1] === "min" ? 1 : 2));
  return shown.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** "2026-05-01 10:03:00 UTC" of a time in ISO 8601, UTC. */
export function moment(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}
