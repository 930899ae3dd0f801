import { HTTP_TOKEN, named } from "../fields.ts";

/** A header's name and value, as they go out. */
export type Header = readonly [name: string, value: string];

/** What a header's name is, to follow "expected". */
export const HEADER_NAME = 'a header\'s name (letters, digits and "-")';
const VALUE = "a header's value (a text in ASCII, on one line, without spaces around it)";

/** Headers that are not the config's to set: why not, and what to do in their place. */
const REFUSED: Readonly<Record<string, string>> = {
  "content-length": "it is the length of the body",
  "transfer-encoding": "a body goes out in one piece",
  connection: 'the key "connection" is for it',
  "keep-alive": 'the key "connection" is for it',
  "proxy-connection": 'the key "connection" is for it',
  "proxy-authorization": 'user and password stand in the URL of "proxy"',
  expect: "the body goes out at once",
  te: "trailers are not read",
  trailer: "trailers are not sent",
  upgrade: "another protocol cannot be read",
};

/** Whether `value` is a field value of RFC 9110, section 5.5, in ASCII. */
export function isHeaderValue(value: unknown): value is string {
  return typeof value === "string" && /^(?:[!-~](?:[\t -~]*[!-~])?)?$/.test(value);
}

/** A map from a request header's name to its value. */
export function requestHeaders() {
  return named<Header>("a map from header to value", (name, value, complaints) => {
    const lower = name.toLowerCase();
    // The names are checked by RawSite, with those of `response_headers`.
    if (!HTTP_TOKEN.test(name)) return undefined;
    if (Object.hasOwn(REFUSED, lower)) return complaints.ofKey(`no such header: ${REFUSED[lower]}`);
    if (!isHeaderValue(value)) return complaints.ofValue(VALUE);
    return [name, value];
  });
}

/** Those of `defaults` that `own` does not replace (by name, in any case of letters), then `own`. */
export function mergeHeaders(defaults: readonly Header[], own: readonly Header[]): Header[] {
  const replaced = new Set(own.map(([name]) => name.toLowerCase()));
  return [...defaults.filter(([name]) => !replaced.has(name.toLowerCase())), ...own];
}
