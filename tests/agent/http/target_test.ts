import { assertEquals, assertThrows } from "@std/assert";
import { ExchangeFailure } from "../../../agent/http/errors.ts";
import { parseTarget } from "../../../agent/http/target.ts";

Deno.test("parseTarget() sends the path as written", () => {
  const table: [url: string, path: string][] = [
    ["http://a.test", "/"],
    ["http://a.test/", "/"],
    ["http://a.test?q", "/?q"],
    ["http://a.test/#fragment", "/"],
    ["http://a.test/a/../b/./%7e%2F?x=%41&y='", "/a/../b/./%7e%2F?x=%41&y='"],
    ["http://a.test//double", "//double"],
    ["http://a.test/ü?ß=€", "/%C3%BC?%C3%9F=%E2%82%AC"],
    ["http://a.test/a b", "/a%20b"],
    ["HTTP://a.test/UP", "/UP"],
    [" http://a.test/trim ", "/trim"],
    ["http://a.test/\ud800", "/%EF%BF%BD"],
    ["http://a.test/a?b?c#d#e", "/a?b?c"],
  ];
  for (const [url, path] of table) assertEquals(parseTarget(url).path, path, url);
});

Deno.test("parseTarget() tells where to go and what to name", () => {
  const table: [url: string, host: string, port: number, authority: string][] = [
    ["http://A.Test/", "a.test", 80, "A.Test"],
    ["https://a.test/", "a.test", 443, "a.test"],
    ["http://a.test:80/", "a.test", 80, "a.test:80"],
    ["http://a.test:8080/", "a.test", 8080, "a.test:8080"],
    ["http://[::1]:8080/", "::1", 8080, "[::1]:8080"],
    ["http://user:pass@a.test/", "a.test", 80, "a.test"],
    ["http://bücher.test/", "xn--bcher-kva.test", 80, "xn--bcher-kva.test"],
    ["http://127.1/", "127.0.0.1", 80, "127.1"],
  ];
  for (const [url, host, port, authority] of table) {
    const target = parseTarget(url);
    assertEquals([target.host, target.port, target.authority], [host, port, authority], url);
  }
});

Deno.test("parseTarget() refuses what is not http or https", () => {
  for (const url of ["", "nonsense", "ftp://a.test/", "http://", "file:///etc/passwd"]) {
    const { error } = assertThrows(() => parseTarget(url), ExchangeFailure);
    assertEquals(error.class, "not_made");
  }
});
