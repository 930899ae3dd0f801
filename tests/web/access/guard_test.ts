import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Hono } from "hono";
import { createHash } from "node:crypto";
import { Guard } from "../../../web/access/guard.ts";
import { loginRoom } from "../../../web/access/login.tsx";
import type { Env } from "../../../web/env.ts";
import { loadedConfig } from "../../support/config.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { quickHash } from "./quick_hash.ts";

const TOKEN = "a-token-of-some-length";
const PASSWORD = "correct horse";
const USERS = {
  ada: { password: quickHash(PASSWORD), role: "operate" },
  eve: { password: quickHash(PASSWORD) },
};
const DATABASE = { dsn: "postgres://127.0.0.1/none" };

const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** A browser, or another client, of an app with one public and one other room. */
class Client {
  readonly log = recordingLog();
  readonly clock = new FakeClock();
  readonly #app: Hono<Env>;
  cookies = new Map<string, string>();
  setCookie = "";

  constructor(web: Record<string, unknown>) {
    const config = loadedConfig("web", { web, database: DATABASE });
    const guard = new Guard(config.web, this.clock);
    this.#app = new Hono<Env>();
    this.#app.onError((error) => {
      throw error;
    });
    this.#app.use(...guard.shield);
    this.#app.get("/public", () => new Response("for all"));
    this.#app.route("/", loginRoom(guard, { config, clock: this.clock, log: this.log }));
    this.#app.use(guard.gate);
    this.#app.get("/page", (c) => c.text(`${c.get("who").name} ${c.get("csrf")}`));
    this.#app.post("/api/v1/change", (c) => c.json({ by: c.get("who").name }));
  }

  async ask(path: string, { address = "192.0.2.9", ...init }: RequestInit & {
    headers?: Record<string, string>;
    address?: string;
  } = {}) {
    const cookie = [...this.cookies].map((pair) => pair.join("=")).join("; ");
    const headers = { host: "127.0.0.1:8080", accept: "text/html", cookie, ...init.headers };
    const env = { incoming: { socket: { remoteAddress: address } } };
    const response = await this.#app.request(path, { ...init, headers }, env);
    this.setCookie = response.headers.get("set-cookie") ?? "";
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(this.setCookie) ?? [];
    if (name !== undefined) this.cookies.set(name, value!);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
    return this.ask(path, { method: "POST", body: new URLSearchParams(fields), headers });
  }

  /** The token of the forms on a page. */
  async token(path = "/page"): Promise<string> {
    const { text } = await this.ask(path);
    return path === "/page" ? text.split(" ")[1]! : /name="csrf" value="([^"]+)"/.exec(text)![1]!;
  }

  async login(name: string, password: string, to = "/page", headers = {}) {
    return await this.post(
      "/login",
      { name, password, to, csrf: await this.token("/login") },
      headers,
    );
  }
}

Deno.test("Guard asks nobody on loopback, but answers by names of this machine alone", async () => {
  const open = new Client({ public_url: "https://monitor.example/" });
  const hosts = ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "monitor.example"];
  for (const host of hosts) {
    assertEquals((await open.ask("/page", { headers: { host } })).status, 200, host);
  }
  const foreign = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080", ""];
  for (const host of foreign) {
    for (const path of ["/page", "/public"]) {
      assertEquals((await open.ask(path, { headers: { host } })).status, 421, host);
    }
  }
  const tokens = { any: { token: sha256(TOKEN) } };
  const elsewhere = new Client({ listen: "0.0.0.0:8080", tokens });
  assertEquals((await elsewhere.ask("/public", { headers: { host: "any.example" } })).status, 200);
});

Deno.test("Guard puts the headers of safety on each answer", async () => {
  const client = new Client({ users: USERS });
  const paths = ["/public", "/page", "/login", "/nowhere", "/api/v1/change"];
  const foreign = { headers: { host: "evil.example" } };
  const answers = [
    ...await Promise.all(paths.map((path) => client.ask(path))),
    await client.ask("/page", foreign),
    await client.post("/api/v1/change", {}),
  ];
  for (const { headers } of answers) {
    const policy = headers.get("content-security-policy")!;
    assertStringIncludes(policy, "default-src 'none'; script-src 'self'");
    assert(!policy.includes("unsafe"));
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("x-frame-options"), "DENY");
    assertEquals(headers.get("referrer-policy"), "same-origin");
  }
});

Deno.test("Guard lets no other site change anything", async () => {
  const client = new Client({});
  const change = (csrf: string, headers = {}) => client.post("/api/v1/change", { csrf }, headers);
  const csrf = await client.token();
  assertEquals((await change(csrf)).status, 200);
  assertEquals((await change(csrf, { origin: "http://127.0.0.1:8080" })).status, 200);
  const json = { method: "POST", body: "{}", headers: { "x-csrf-token": csrf } };
  assertEquals((await client.ask("/api/v1/change", json)).status, 200);

  const others = await new Client({}).token();
  for (const wrong of ["", "x", others]) assertEquals((await change(wrong)).status, 403, wrong);
  for (const origin of ["http://evil.example", "null", "http://127.0.0.1:9"]) {
    assertEquals((await change(csrf, { origin })).status, 403, origin);
  }
  const problem = await change("x");
  assertEquals(problem.headers.get("content-type"), "application/problem+json");
  assertEquals(JSON.parse(problem.text).status, 403);
  client.cookies.clear();
  assertEquals((await change(csrf)).status, 403);
  const large = { method: "POST", body: "x".repeat(70_000), headers: { "x-csrf-token": csrf } };
  assertEquals((await client.ask("/api/v1/change", large)).status, 413);
});

Deno.test("Guard knows tokens by their hash, and what they may", async () => {
  const client = new Client({
    tokens: {
      board: { token: sha256(TOKEN) },
      bot: { token: sha256("x".repeat(30)), role: "operate" },
    },
  });
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const statuses = async (options: { headers: Record<string, string> }) => [
    (await client.ask("/page", options)).status,
    (await client.ask("/api/v1/change", { ...options, method: "POST" })).status,
  ];
  assertEquals(await statuses(bearer(TOKEN)), [200, 403]);
  assertEquals(await statuses(bearer("x".repeat(30))), [200, 200]);
  assertEquals(await statuses(bearer("y".repeat(30))), [401, 403]);
  assertEquals(await statuses({ headers: { authorization: `Basic ${TOKEN}` } }), [401, 403]);
  const { headers } = await client.ask("/page");
  assertEquals(headers.get("www-authenticate"), "Bearer");
  assertEquals((await client.ask("/public")).status, 200);
});

Deno.test("Guard believes the header of a proxy, from its address alone", async () => {
  const client = new Client({
    listen: "0.0.0.0:8080",
    proxy_header: { name: "Remote-User", from: ["10.0.0.0/8", "2001:db8::1"], operate: ["ada"] },
  });
  const asked = async (address: string, user: string) =>
    (await client.ask("/page", { address, headers: { "remote-user": user } })).status;
  assertEquals(await asked("10.1.2.3", "ada"), 200);
  assertEquals(await asked("::ffff:10.1.2.3", "ada"), 200);
  assertEquals(await asked("2001:db8::1", "eve"), 200);
  assertEquals(await asked("192.0.2.1", "ada"), 401);
  assertEquals(await asked("2001:db8::2", "ada"), 401);
  assertEquals(await asked("10.1.2.3", " "), 401);
  for (const [user, status] of [["ada", 200], ["eve", 403]] as const) {
    const headers = { "remote-user": user };
    const page = await client.ask("/page", { address: "10.1.2.3", headers });
    const change = await client.ask("/api/v1/change", {
      address: "10.1.2.3",
      method: "POST",
      headers: { ...headers, "x-csrf-token": page.text.split(" ")[1]! },
    });
    assertEquals(change.status, status, user);
  }
});

Deno.test("loginRoom() lets in who knows the password, and sends them where they wanted", async () => {
  const client = new Client({ users: USERS });
  const sent = await client.ask("/page?a=1&b=2");
  assertEquals([sent.status, sent.headers.get("location")], [
    303,
    "/login?to=%2Fpage%3Fa%3D1%26b%3D2",
  ]);
  assertStringIncludes((await client.ask("/login?to=%2Fpage%3Fa%3D1")).text, 'value="/page?a=1"');

  const before = client.cookies.get("httpmon");
  const wrong = await client.login("ada", "wrong");
  assertEquals(wrong.status, 401);
  assertStringIncludes(wrong.text, "wrong");
  assertEquals(await client.ask("/page").then(({ status }) => status), 303);
  assertEquals((await client.login("nobody", PASSWORD)).status, 401);

  const right = await client.login("ada", PASSWORD, "/page?a=1");
  assertEquals([right.status, right.headers.get("location")], [303, "/page?a=1"]);
  assert(client.cookies.get("httpmon") !== before, "the cookie of before was kept");
  assertStringIncludes((await client.ask("/page")).text, "ada ");
  const csrf = await client.token();
  assertEquals((await client.post("/api/v1/change", { csrf })).text, '{"by":"ada"}');
  assertEquals((await client.post("/logout", { csrf })).status, 303);
  assertEquals((await client.ask("/page")).status, 303);

  await client.login("eve", PASSWORD);
  const eves = await client.token();
  assertEquals((await client.post("/api/v1/change", { csrf: eves })).status, 403);
  // A name that is not there may be a password in the wrong place.
  assertEquals(client.log.lines.map(({ fields }) => fields.user), ["ada", undefined]);
});

Deno.test("loginRoom() leads to no other host", async () => {
  const client = new Client({ users: USERS });
  const elsewhere = ["//evil.example", "/\\evil.example", "https://evil.example/", "/a\r\nb", ""];
  for (const to of elsewhere) {
    const { headers } = await client.login("ada", PASSWORD, to);
    assertEquals(headers.get("location"), "/", to);
  }
});

Deno.test("loginRoom() lets an address try ten passwords, then one each six seconds", async () => {
  const client = new Client({ users: USERS });
  for (let n = 0; n < 10; n++) assertEquals((await client.login("ada", `wrong ${n}`)).status, 401);
  const late = await client.login("ada", PASSWORD);
  assertEquals([late.status, late.headers.get("retry-after")], [429, "6"]);
  await client.clock.advance(6_000);
  assertEquals((await client.login("ada", PASSWORD)).status, 303);
});

Deno.test("Guard's cookie is for this host and its own pages alone, and behind https for https", async () => {
  const plain = new Client({});
  await plain.ask("/page");
  assert(
    /^httpmon=[\w.-]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/.test(plain.setCookie),
  );
  await plain.ask("/public");
  assertEquals(plain.setCookie, "");
  const secure = new Client({ public_url: "https://monitor.example" });
  await secure.ask("/page");
  assert(/^__Host-httpmon=.*; HttpOnly; Secure; SameSite=Lax$/.test(secure.setCookie));
  const behind = new Client({});
  await behind.ask("/page", { headers: { "x-forwarded-proto": "https" } });
  assert(behind.setCookie.includes("Secure"));
});
