import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { checkUrl, isWebUrl, MAX_URL, normaliseUrl } from "../../../config/site/urls.ts";

Deno.test("checkUrl() takes what may be requested", () => {
  const urls = [
    "http://example.com",
    "HTTPS://Example.COM:8443/Path?q=a@b#part",
    "https://example.com/@name",
    "https://[2001:db8::1]:8443/",
    "http://192.0.2.1/",
    "http://localhost:1",
    "https://bücher.example/straße",
    "https://example.com/a|b{c}",
    `https://example.com/${"a".repeat(MAX_URL - 20)}`,
  ];
  for (const url of urls) assertEquals(checkUrl(url), null, url);
});

Deno.test("checkUrl() says what it expected", () => {
  const cases: [string, string][] = [
    [`https://example.com/${"a".repeat(MAX_URL - 19)}`, "at most 2048 characters"],
    ["ftp://example.com/", 'starts with "http://"'],
    ["example.com", 'starts with "http://"'],
    ["https:example.com", 'starts with "http://"'],
    ["https:/example.com", 'starts with "http://"'],
    ["javascript:alert(1)", 'starts with "http://"'],
    ["", 'starts with "http://"'],
    [" https://example.com/", "without spaces"],
    ["https://example.com/ ", "without spaces"],
    ["https://exa\nmple.com/", "without spaces and control characters"],
    ["https://example.com/\u0000", "without spaces and control characters"],
    ["https://example.com/\u00a0", "without spaces and control characters"],
    ["https://example.com/\ud800", "without spaces and control characters"],
    ["https://example.com\\", "without backslashes"],
    ["https://user:password@example.com/", '"auth"'],
    ["https://user@example.com/", '"auth"'],
    ["https://@example.com/", '"auth"'],
    ["https://a:b@c@example.com", '"auth"'],
    ["https://", "a valid host and port"],
    ["https:///example.com/", "a valid host and port"],
    ["https://?q", "a valid host and port"],
    ["https://example.com:65536/", "a valid host and port"],
    ["https://example.com:port/", "a valid host and port"],
    ["https://300.1.1.1/", "a valid host and port"],
    ["https://[::1/", "a valid host and port"],
    ["https://a^b/", "a valid host and port"],
  ];
  for (const [url, expectation] of cases) {
    assertStringIncludes(checkUrl(url) ?? "fine", expectation);
  }
});

Deno.test("isWebUrl() tells a URL, valid or not, from a name", () => {
  for (const text of ["http://", "HTTPS://x", "https://a b"]) assert(isWebUrl(text), text);
  for (const text of ["", "https", "ftp://x", "my https://x", "https:x"]) {
    assert(!isWebUrl(text), text);
  }
});

Deno.test("normaliseUrl() gives one text for all the ways to write a URL", () => {
  const same = [
    "https://example.com/~a/%2F",
    "HTTPS://EXAMPLE.COM/~a/%2F",
    "https://example.com:443/%7Ea/%2f",
    "https://example.com/b/../%7ea/./%2F#part",
  ];
  for (const url of same) assertEquals(normaliseUrl(url), same[0]!);
  assertEquals(normaliseUrl("http://example.com"), "http://example.com/");
  assertEquals(normaliseUrl("http://bücher.example"), "http://xn--bcher-kva.example/");
});

Deno.test("normaliseUrl() keeps apart what may be answered differently", () => {
  const different = ["/a", "/A", "/a/", "/a?", "/a?b", "/a%2F", "/a//", "/%61%25"].map((path) =>
    normaliseUrl(`https://example.com${path}`)
  );
  assertEquals(new Set(different).size, different.length);
  assertNotEquals(normaliseUrl("http://example.com"), normaliseUrl("https://example.com"));
});
