import { compileRegex } from "../../config/site/regex.ts";
import { keep } from "../bounded_map.ts";
import { bodyText } from "../http/text.ts";
import { inspectJson } from "./json_value.ts";
import { asksOfBody, type Found, type Inspection } from "./inspection.ts";

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

/** A compiled pattern of the config. */
export type CompiledRegex = ReturnType<typeof compileRegex>;

/** Compiled patterns with their tables take up to megabytes each. */
const MAX_PATTERNS = 500;

/** Keeps compiled patterns, those used last. */
export class RegexCache {
  #compiled = new Map<string, CompiledRegex>();

  /** @throws What `compileRegex` throws for a pattern that the config would refuse */
  get(pattern: string): CompiledRegex {
    const compiled = this.#compiled.get(pattern) ?? compileRegex(pattern);
    // The one that was used last is the newest.
    this.#compiled.delete(pattern);
    return keep(this.#compiled, pattern, compiled, MAX_PATTERNS);
  }
}
