/** What the channels' schemas are made of. */
import { z } from "zod";
import { text } from "../../config/fields.ts";
import { checkUrl } from "../../config/site/urls.ts";

const URL_WHAT = 'an http or https URL without spaces and "user:password@"';
const HEADERS = "a map from a header to its value";

export function url() {
  return z.string({ error: URL_WHAT }).refine((url) => checkUrl(url) === null, { error: URL_WHAT });
}

/** Further headers of each request. */
export function headers() {
  return z.record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: "a header's name" }),
    text("a header's value"),
    { error: HEADERS },
  ).nullish();
}
