import { type Findings, type Invariant, INVARIANTS } from "./invariants.ts";
import type { RoundResult } from "./play.ts";

/** A round that was played, or passed over. */
export interface Played {
  scenario: string;
  variant: string;
  result: RoundResult | null;
  skipped: string | null;
  /** Invariants of which a mutant has to break one; null for the product. */
  mustBreak: readonly Invariant[] | null;
}

/** What was found against the product; for a mutant, that nothing was. */
export function failuresOf({ result, mustBreak }: Played): string[] {
  if (!result) return [];
  if (result.error !== null) return [`not judged: ${result.error}`];
  if (mustBreak) {
    return mustBreak.some((name) => result.findings[name]?.length)
      ? []
      : [`the mutant was not noticed by ${mustBreak.join(" or ")}`];
  }
  return Object.entries(result.findings).flatMap(([name, found]) =>
    (found ?? []).map((text) => `${name} ${text}`)
  );
}

/** Scenarios by invariants: how many rounds held of how many. */
export function table(played: readonly Played[]): string {
  const names = Object.keys(INVARIANTS) as Invariant[];
  const groups = Map.groupBy(played, ({ scenario, variant }) => `${scenario}/${variant}`);
  const lines = [["scenario", "rounds", ...names, "result"]];
  for (const [name, rounds] of groups) {
    const judged = rounds.flatMap(({ result }) => result?.error === null ? [result.findings] : []);
    const failed = rounds.filter((round) => failuresOf(round).length > 0).length;
    const skipped = rounds.every((round) => round.skipped !== null);
    lines.push([
      name,
      String(rounds.length),
      ...names.map((invariant) => cell(judged, invariant)),
      skipped ? "skipped" : failed > 0 ? `${failed} FAILED` : "passed",
    ]);
  }
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines.map((line) => line.map((text, i) => text.padEnd(widths[i]!)).join("  ").trimEnd())
    .join("\n");
}

function cell(judged: readonly Findings[], invariant: Invariant): string {
  const found = judged.map((findings) => findings[invariant]).filter((list) => list);
  if (found.length === 0) return "-";
  const broken = found.filter((list) => list!.length > 0).length;
  return broken === 0 ? "ok" : `${broken}/${found.length}!`;
}
