import type { Verdict } from "../../wire/message.ts";
import type { HttpError } from "../http/types.ts";
import { type RuleOutcome, verdictOfFailure } from "./outcome.ts";

/** What a check says of its site. */
export interface Judgement {
  verdict: Verdict;
  /** The rule or the error class that decided; null when up. */
  reason: string | null;
}

/**
 * The verdict. An error decides before any rule: unknown where it is the monitor's own (a class that
 * starts with "local_"), else down. Of the rules, the first that fails decides; a later one never
 * hides its reason.
 *
 * @param outcomes In the order of `applyRules`
 */
export function judge(
  error: Pick<HttpError, "class"> | null,
  outcomes: readonly RuleOutcome[],
): Judgement {
  if (error) {
    const reason = error.class;
    return { verdict: reason.startsWith("local_") ? "unknown" : "down", reason };
  }
  const failed = outcomes.find(({ ok }) => !ok);
  if (!failed) return { verdict: "up", reason: null };
  return { verdict: verdictOfFailure(failed.rule), reason: failed.rule };
}
