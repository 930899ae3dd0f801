import type { ResultMessage, Verdict } from "./message.ts";

/**
 * A message's verdict. One without it (the older program's) is up if the status is 200-399 and there
 * is no error message; its regexResult cannot count, as it is false where there is no regex.
 */
export function verdictOf(
  message: Pick<ResultMessage, "verdict" | "responseCode" | "errorMessage">,
): Verdict {
  if (message.verdict !== undefined) return message.verdict;
  const { responseCode, errorMessage } = message;
  const answered = responseCode !== null && responseCode >= 200 && responseCode <= 399;
  return answered && errorMessage === null ? "up" : "down";
}
