import { cleanLine } from "../clean_text.ts";
import { type RuleOutcome, verdictOfFailure } from "../rules/outcome.ts";
import type { Style } from "./style.ts";

/** The longest text of a site or of the config that stands in a line. */
const MAX_TEXT = 200;

/** One line a rule: whether it was kept, what it asks, and what came. */
export function ruleLines(outcomes: readonly RuleOutcome[], { paint }: Style): string[] {
  const width = Math.max(0, ...outcomes.map(({ rule }) => rule.length));
  return outcomes.map(({ rule, ok, expected, found }) => {
    const name = rule.padEnd(width);
    const wanted = `expected ${cleanLine(expected, MAX_TEXT)}`;
    const came = `found ${cleanLine(found, MAX_TEXT)}`;
    if (ok) return `${paint("green", "✓")} ${name}  ${paint("dim", `${wanted}, ${came}`)}`;
    const colour = verdictOfFailure(rule) === "down" ? "red" : "yellow";
    return `${paint(colour, `✗ ${name}`)}  ${wanted}, ${paint("bold", came)}`;
  });
}
