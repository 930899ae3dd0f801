import { bodyText } from "../http/text.ts";
import { inspectJson } from "./json_value.ts";
import { asksOfBody, type Found, type Inspection } from "./inspection.ts";
import type { RegexCache } from "./regex_cache.ts";

/**
 * Looks for every pattern and every JSON value, here and now, however long it takes.
 *
 * @throws What a pattern or path throws that the config would refuse
 */
export function inspect(inspection: Inspection, regexes: RegexCache): Found {
  const { body, contentType, searches, json } = inspection;
  const headers = contentType === null ? [] : [["content-type", contentType] as const];
  const whole = asksOfBody(inspection) ? bodyText({ headers, body }) : "";
  return {
    matched: searches.map(({ pattern, text }) => regexes.get(pattern).test(text ?? whole)),
    json: json.length === 0 ? [] : inspectJson(whole, json, regexes),
  };
}
