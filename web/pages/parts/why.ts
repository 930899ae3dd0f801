import type { SiteNow } from "../../data/now/site_now.ts";
import { amount } from "./format.ts";

/** What a rule that was broken means; its own name is said where there is no better word. */
const BROKEN: Record<string, string> = {
  degraded_response_time_ms: "slow",
  max_response_time_ms: "too slow",
  certificate_days_left: "its certificate ends soon",
  response_headers: "a header is not as it should be",
  json: "its JSON is not as it should be",
  regex: "the text that is looked for is not in it",
  not_regex: "a text is in it that should not be",
  min_body_bytes: "shorter than it should be",
  max_body_bytes: "longer than it should be",
};

/** Why a site is not up, in words. */
export function whyOf(
  { reason, responseCode, responseMs, errorMessage }:
    & Pick<SiteNow, "reason" | "responseCode" | "errorMessage">
    & Partial<Pick<SiteNow, "responseMs">>,
): string {
  if (errorMessage !== null) return errorMessage;
  const status = responseCode === null ? null : `status ${responseCode}`;
  if (reason === "status" || reason === null) return status ?? "no reason is recorded";
  const broken = BROKEN[reason] ?? reason.replaceAll("_", " ");
  if (!reason.endsWith("response_time_ms")) return [broken, status].filter(Boolean).join(", ");
  return responseMs == null ? broken : `${broken}: ${amount(responseMs)} ms`;
}

/** Who noticed that a site is down. */
export function noticedBy({ agents, agentsDown, downFrom, state }: SiteNow): string {
  if (state !== "down") return "";
  const places = downFrom.slice(0, 3).join(", ") + (downFrom.length > 3 ? ", …" : "");
  return `seen ${agents > 1 ? `by ${agentsDown} of ${agents}: ` : "from "}${places}`;
}
