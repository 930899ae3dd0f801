import { assert, assertEquals } from "@std/assert";
import { redirectedRequest, redirectOf } from "../../../agent/http/redirects.ts";
import type { HttpError } from "../../../agent/http/errors.ts";
import { type HttpRequest, type ResponseHead, whole } from "../../../agent/http/types.ts";

const FROM = "http://site.test/a/b?q";

function next(request: Partial<HttpRequest>, status: number, location: string): HttpRequest {
  const result = redirectedRequest(whole({ url: FROM, ...request }), status, location, 0);
  assert(!("class" in result), "message" in result ? result.message : "");
  return result;
}

function refusal(request: Partial<HttpRequest>, status: number, location: string): HttpError {
  const result = redirectedRequest(whole({ url: FROM, ...request }), status, location, 0);
  assert("class" in result);
  return result;
}

Deno.test("redirectOf() wants a Location and one of five statuses", () => {
  const of = (status: number, headers: ResponseHead["headers"], followRedirects = true) =>
    redirectOf(whole({ url: FROM, followRedirects }), {
      status,
      headers,
      statusText: "",
      httpVersion: "1.1",
    });
  for (const status of [301, 302, 303, 307, 308]) {
    assertEquals(of(status, [["location", "/"]]), "/");
    assertEquals(of(status, [["location", "/"]], false), null);
    assertEquals(of(status, []), null);
  }
  for (const status of [200, 201, 300, 304, 305, 404]) {
    assertEquals(of(status, [["location", "/"]]), null);
  }
});

Deno.test("redirectedRequest() resolves Location against the URL", () => {
  assertEquals(next({}, 302, "c").url, "http://site.test/a/c");
  assertEquals(next({}, 302, "/c?d#e").url, "http://site.test/c?d#e");
  assertEquals(next({}, 302, "//other.test/").url, "http://other.test/");
  assertEquals(next({}, 302, "").url, FROM);
});

Deno.test("redirectedRequest() takes out credentials in Location", () => {
  assertEquals(next({}, 302, "http://u:p@other.test/").url, "http://other.test/");
});

Deno.test("redirectedRequest() changes the method by the rules of fetch", () => {
  const body = new Uint8Array([1]);
  const headers = [["Content-Type", "a/b"], ["X-Own", "1"]] as const;
  const table: [method: string, status: number, expected: string][] = [
    ["GET", 301, "GET"],
    ["HEAD", 303, "HEAD"],
    ["POST", 301, "GET"],
    ["POST", 302, "GET"],
    ["PUT", 302, "PUT"],
    ["PUT", 303, "GET"],
    ["POST", 307, "POST"],
    ["DELETE", 308, "DELETE"],
  ];
  for (const [method, status, expected] of table) {
    const request = next({ method, body, headers }, status, "/c");
    assertEquals(request.method, expected, `${method} ${status}`);
    const changed = expected !== method;
    assertEquals(request.body, changed ? null : body);
    assertEquals(request.headers, changed ? [["X-Own", "1"]] : [...headers]);
  }
});

Deno.test("redirectedRequest() keeps everything for the same origin", () => {
  const headers = [["Authorization", "Bearer x"], ["Cookie", "a=b"]] as const;
  const tls = { cert: "c", key: "k" };
  const request = next({ headers, tls }, 302, "/c");
  assertEquals(request.headers, headers);
  assertEquals(request.tls === tls, true);
});

Deno.test("redirectedRequest() keeps everything for the same host by https, but not back", () => {
  const headers = [["Authorization", "Bearer x"], ["Cookie", "a=b"]] as const;
  const tls = { cert: "c", key: "k" };
  const up = next({ headers, tls }, 302, "https://site.test/");
  assertEquals([up.headers, up.tls], [headers, tls]);
  const down = next({ ...up, headers }, 302, FROM);
  assertEquals([down.headers, down.tls?.cert], [[], undefined]);
});

Deno.test("redirectedRequest() sends no credentials to another origin", () => {
  const headers = [
    ["Authorization", "Bearer x"],
    ["Cookie", "a=b"],
    ["X-Api-Key", "secret"],
    ["Proxy-Authorization", "Basic x"],
    ["Host", "inner.test"],
    ["Accept", "text/html"],
    ["User-Agent", "me"],
  ] as const;
  const tls = { ca: "ca", cert: "c", key: "k", serverName: "inner.test" };
  const elsewhere = [
    "http://other.test/",
    "https://other.test/",
    "http://site.test:8080/",
    "http://sub.site.test/",
  ];
  for (const location of elsewhere) {
    const request = next({ headers, tls }, 302, location);
    assertEquals(request.headers, [["Accept", "text/html"], ["User-Agent", "me"]], location);
    assertEquals(request.tls, { ca: "ca", insecure: undefined }, location);
  }
});

Deno.test("redirectedRequest() sends a body to another origin only where it is the same host by https", () => {
  const body = new Uint8Array([1]);
  assertEquals(refusal({ method: "POST", body }, 307, "http://other.test/").class, "bad_redirect");
  assertEquals(next({ method: "POST", body }, 307, "https://site.test/").body, body);
  assertEquals(next({ method: "POST", body }, 302, "http://other.test/").body, null);
});

Deno.test("redirectedRequest() refuses what cannot be followed", () => {
  assertEquals(refusal({}, 302, "http://[").class, "bad_redirect");
  assertEquals(refusal({}, 302, "mailto:a@b").class, "bad_redirect");
  assertEquals(refusal({}, 302, "javascript:alert(1)").class, "bad_redirect");
});

Deno.test("redirectedRequest() follows ten unless told otherwise", () => {
  const at = (followed: number, told: Partial<HttpRequest> = {}) => {
    const result = redirectedRequest(whole({ url: FROM, ...told }), 302, "/", followed);
    return "class" in result ? result.class : null;
  };
  assertEquals([at(9), at(10)], [null, "too_many_redirects"]);
  assertEquals(at(0, { maxRedirects: 0 }), "too_many_redirects");
});
