import { assertEquals } from "@std/assert";
import { CookieJar } from "../../../agent/http/cookies.ts";
import { whole } from "../../../agent/http/types.ts";

const NOW = Date.UTC(2026, 0, 1);

/** What `url` is sent after responses from other URLs have set cookies. */
function sent(url: string, ...set: [from: string, ...lines: string[]][]): string | undefined {
  const jar = new CookieJar();
  for (const [from, ...lines] of set) {
    jar.store(from, lines.map((line) => ["set-cookie", line]), NOW);
  }
  return jar.addTo(whole({ url })).headers.find(([name]) => name === "Cookie")?.[1];
}

const HERE = "https://www.site.test/shop/cart?x";

Deno.test("CookieJar sends a cookie to those who may see it", () => {
  const table: [line: string, url: string, expected: string | undefined][] = [
    ["a=b", HERE, "a=b"],
    ["a=b", "https://www.site.test/shop/", "a=b"],
    ["a=b", "https://www.site.test/shopping", undefined],
    ["a=b", "https://site.test/shop/", undefined],
    ["a=b", "https://other.test/shop/", undefined],
    ["a=b; Path=/", "https://www.site.test/", "a=b"],
    ["a=b; path=/other", HERE, undefined],
    ["a=b; Domain=site.test; Path=/", "https://deep.site.test/", "a=b"],
    ["a=b; Domain=.SITE.test; Path=/", "https://site.test/", "a=b"],
    ["a=b; Domain=other.test; Path=/", "https://other.test/", undefined],
    ["a=b; Domain=site.test; Path=/", "https://notsite.test/", undefined],
    ["a=b; Secure; Path=/", "http://www.site.test/", undefined],
    ["a=b; Path=/", "http://www.site.test/", "a=b"],
    ["a=b; HttpOnly; SameSite=Strict", HERE, "a=b"],
    ["a=b=c; Max-Age=60", HERE, "a=b=c"],
    ["a=b; Max-Age=0", HERE, undefined],
    ["a=b; Expires=Wed, 31 Dec 2025 00:00:00 GMT", HERE, undefined],
    ["a=b; Expires=Fri, 02 Jan 2026 00:00:00 GMT", HERE, "a=b"],
    ["a=b; Expires=Wed, 31 Dec 2025 00:00:00 GMT; Max-Age=9", HERE, "a=b"],
    ["=b", HERE, undefined],
    ["nothing", HERE, undefined],
    [`a=${"b".repeat(5_000)}`, HERE, undefined],
  ];
  for (const [line, url, expected] of table) {
    assertEquals(sent(url, [HERE, line]), expected, `${line} for ${url}`);
  }
});

Deno.test("CookieJar replaces and deletes by name, domain and path, and sends the longest path first", () => {
  assertEquals(sent(HERE, [HERE, "a=1", "a=2"], [HERE, "a=3"]), "a=3");
  assertEquals(sent(HERE, [HERE, "a=1"], [HERE, "a=; Max-Age=-1"]), undefined);
  assertEquals(sent(HERE, [HERE, "a=1; Path=/", "b=2; Path=/shop", "a=3"]), "b=2; a=3; a=1");
});

Deno.test("CookieJar keeps 50, and what the request has itself", () => {
  const many = Array.from({ length: 60 }, (_, i) => `c${i}=x`);
  assertEquals(sent(HERE, [HERE, ...many])!.split("; ").length, 50);
  const jar = new CookieJar();
  const request = whole({ url: HERE, headers: [["cookie", "own=1"], ["X", "y"]] });
  assertEquals(jar.addTo(request) === request, true);
  jar.store(HERE, [["set-cookie", "a=b"]], NOW);
  assertEquals(jar.addTo(request).headers, [["X", "y"], ["Cookie", "own=1; a=b"]]);
});
