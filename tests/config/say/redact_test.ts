import { assertEquals } from "@std/assert";
import { isSecretAt, isSecretHeader, isSecretKey, redact } from "../../../config/say/redact.ts";

Deno.test("redact() takes users and passwords out of URLs", () => {
  const cases: [string, string][] = [
    ["postgres://u:p@h/db", "postgres://(hidden)@h/db"],
    ["postgres://u:p/w?#@x@h/db", "postgres://(hidden)@h/db"],
    [" postgres://u:p@h", " postgres://(hidden)@h"],
    ["dsn postgres://u:p@h", "dsn postgres://(hidden)@h"],
    ["https://u:p@h/@name", "https://(hidden)@h/@name"],
    ["https://u:p@q@h/", "https://(hidden)@h/"],
    ["https://u:p/w@h/", "https://(hidden)@h/"],
    ["https://u@h/", "https://(hidden)@h/"],
    ["//u:p@h", "//(hidden)@h"],
    ["https://u:p\n@h", "https://(hidden)@h"],
  ];
  for (const [text, safe] of cases) assertEquals(redact(text), safe);
});

Deno.test("redact() leaves what holds no secret as it is", () => {
  for (const text of ["https://h/@name", "https://h/?mail=a@b", "a@b", "kafka:9092", "a // b"]) {
    assertEquals(redact(text), text);
  }
});

Deno.test("redact() takes out what stands behind password= and the like", () => {
  assertEquals(
    redact("host=h password=hunter2 user=u"),
    "host=h password=(hidden) user=u",
  );
  assertEquals(redact("Password = 'hunter 2' user=u"), "Password = (hidden) user=u");
  assertEquals(redact("https://h/?token=x&a=b"), "https://h/?token=(hidden)&a=b");
});

Deno.test("isSecretKey() knows the keys of secrets", () => {
  for (const key of ["dsn", "sasl_password", "client_secret", "token"]) {
    assertEquals(isSecretKey(key), true, key);
  }
  for (const key of ["topic", "dsn_file", 0, undefined]) assertEquals(isSecretKey(key), false);
});

Deno.test("isSecretHeader() knows the headers that say who we are", () => {
  for (const name of ["Authorization", "cookie", "X-Api-Key", "x-apikey", "X-Auth", "My-Token"]) {
    assertEquals(isSecretHeader(name), true, name);
  }
  for (const name of ["Accept", "User-Agent", "X-Team"]) {
    assertEquals(isSecretHeader(name), false, name);
  }
});

Deno.test("isSecretAt() knows where secrets stand, and where they may stand by mistake", () => {
  const site = ["websites", "https://example.com/"];
  const secret: [string[], unknown][] = [
    [[...site, "auth", "basic", "username"], "me"],
    [[...site, "auth", "bearer"], 5],
    [[...site, "auth", "oauth2", "client_secret"], "x"],
    [[...site, "auth"], "Bearer x"],
    [[...site, "headers", "Authorization"], "x"],
    [[...site, "headers"], "Authorization: x"],
    [[...site, "proxy"], "user:x@proxy.example"],
    [["database", "writer", "dsn"], "x"],
  ];
  for (const [path, value] of secret) assertEquals(isSecretAt(path, value), true, path.join("."));
  const open: [string[], unknown][] = [
    [[...site, "auth", "oauth2", "token_url"], "x"],
    [[...site, "headers", "Accept"], "x"],
    [[...site, "response_headers", "Set-Cookie", "regex"], "x"],
    [[...site, "proxy"], "proxy.example"],
    [[...site, "timeout"], 0],
  ];
  for (const [path, value] of open) assertEquals(isSecretAt(path, value), false, path.join("."));
});
