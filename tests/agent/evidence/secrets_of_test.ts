import { assertEquals } from "@std/assert";
import { secretsOf } from "../../../agent/evidence/scrub.ts";
import type { HttpRequest } from "../../../agent/http/types.ts";
import type { Auth } from "../../../agent/auth/index.ts";

function secrets(request: Partial<HttpRequest>, auth: Auth | null = null): string[] {
  return secretsOf({ auth, secrets: [] }, { url: "http://site.test/", ...request })
    .map(({ value }) => value);
}

Deno.test("secretsOf() finds the credentials of the config", () => {
  assertEquals(secrets({}, { kind: "basic", username: "me", password: "pw" }), ["pw"]);
  assertEquals(secrets({}, { kind: "bearer", token: "tok" }), ["tok"]);
  const oauth2 = {
    kind: "oauth2",
    token_url: "http://login.test/",
    client_id: "id",
    client_secret: "s3cret",
    scope: null,
  } as const;
  assertEquals(secrets({}, oauth2), ["s3cret"]);
  assertEquals(secrets({}), []);
});

Deno.test("secretsOf() finds them in the headers that were sent, whole and in parts", () => {
  assertEquals(secrets({ headers: [["Authorization", "Bearer abcdefghi"]] }), [
    "Bearer abcdefghi",
    "abcdefghi",
  ]);
  assertEquals(secrets({ headers: [["Cookie", "theme=dark; session=0123456789"]] }), [
    "theme=dark; session=0123456789",
    "0123456789",
  ]);
  assertEquals(secrets({ headers: [["X-Api-Key", "k-12"], ["X-Auth-Mode", "1"]] }), ["k-12"]);
  assertEquals(secrets({ headers: [["Accept", "text/html"], ["User-Agent", "monitor/1"]] }), []);
});

Deno.test("secretsOf() finds the password of a proxy", () => {
  assertEquals(secrets({ proxy: "http://me:a%20b@proxy.test:3128" }), ["a b"]);
  assertEquals(secrets({ proxy: "http://me:a%zz@proxy.test:3128" }), ["a%zz"]);
  assertEquals(secrets({ proxy: "http://proxy.test:3128" }), []);
});
