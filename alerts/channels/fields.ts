/** What the channels' schemas are made of. */
import { z } from "zod";
import { HTTP_TOKEN, mapOf, text, textLike } from "../../config/fields.ts";
import { checkUrl } from "../../config/site/urls.ts";

const URL_WHAT = 'an http or https URL without spaces and "user:password@"';
const HEADERS = "a map from a header to its value";

export function url() {
  return textLike(URL_WHAT, (url) => checkUrl(url) === null);
}

/** One, or a list of at least one. */
export function oneOrMore<S extends z.ZodType>(schema: S, what: string) {
  const error = what;
  return z.union([schema, z.array(schema, { error }).min(1, { error })], { error });
}

/** Further headers of each request. */
export function headers() {
  return mapOf(HEADERS, textLike("a header's name", HTTP_TOKEN), text("a header's value"))
    .nullish();
}
