import type { SiteRules } from "../../config/types.ts";
import type { HttpRecord } from "../http/types.ts";
import type { Inspection, Search } from "../inspect/inspection.ts";
import { headerValue } from "./response_headers.ts";

/** What has to be looked for in a response, all in one go; null where the rules ask for nothing. */
export function inspectionFor(
  { regex, notRegex, headers, json }: SiteRules,
  record: Pick<HttpRecord, "headers" | "body">,
): Inspection | null {
  const searches: Search[] = [...regex, ...notRegex].map((pattern) => ({ pattern, text: null }));
  for (const rule of headers) {
    const text = headerValue(record.headers, rule.name);
    if (text === null) continue;
    for (const pattern of [rule.regex, rule.notRegex]) {
      if (pattern !== null) searches.push({ pattern, text });
    }
  }
  if (searches.length === 0 && json.length === 0) return null;
  const contentType = headerValue(record.headers, "content-type");
  return { body: record.body, contentType, searches, json };
}
