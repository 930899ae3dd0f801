/** What the channels' schemas are made of. */
import { HTTP_TOKEN, mapOf, text, textLike } from "../../config/fields.ts";
import { checkUrl } from "../../config/site/urls.ts";

const URL_WHAT = 'an http or https URL without spaces and "user:password@"';
const HEADERS = "a map from a header to its value";

export function url() {
  return textLike(URL_WHAT, (url) => checkUrl(url) === null);
}

/** Further headers of each request. */
export function headers() {
  return mapOf(HEADERS, textLike("a header's name", HTTP_TOKEN), text("a header's value"))
    .nullish();
}
