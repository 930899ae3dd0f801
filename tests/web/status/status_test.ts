import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Ajv } from "ajv";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
import { addNote } from "../../../web/data/incidents/notes.ts";
import { createApp } from "../../../web/app.ts";
import { exportStatus } from "../../../web/status/export.ts";
import { webMode } from "../../../web/mode.ts";
import { modeHere } from "../../support/program/mode_here.ts";
import { addIncident, AGENTS, MARKUP, webWorld, type World } from "../world.ts";

const STATUS = { title: "Example & status", groups: ["shop", MARKUP, "api", "nobody's"] };
const TOKENS = { any: { token: `sha256:${"0".repeat(64)}` } };
const PATHS = ["/status", "/status.json", "/feed.atom"];

/** What nobody outside is to see. */
const INTERNAL = [
  ...["admin", "internal", "secret", "shop.example", "api.example", "hostile.example"],
  ...["eu-west", "us-east", "nginx", "192.0.2.1", "not for customers"],
  ...AGENTS.map(({ agentUUID }) => agentUUID),
];

async function textsOf(world: World, paths: readonly string[]): Promise<string[]> {
  return await Promise.all(paths.map(async (path) => {
    const response = await world.ask(path);
    assertEquals(response.status, 200, path);
    assertEquals(response.headers.get("set-cookie"), null);
    assertStringIncludes(response.headers.get("cache-control")!, "public, max-age=");
    return await response.text();
  }));
}

async function withIncidents(world: World) {
  const open = await addIncident(world, "checkout", { ago: 4 });
  const old = await addIncident(world, "api", { ago: 3_000, closedAgo: 2_990 });
  const internal = await addIncident(world, "admin", { ago: 10 });
  const write = (id: string, text: string, isPublic: boolean) =>
    addNote(world.deps.operator, id, { author: "ada", isPublic, text });
  await write(open, `We are at it. ${MARKUP}`, true);
  await write(open, "This is not for customers", false);
  await write(old, "A cable was cut", true);
  await write(internal, "Something internal", true);
  return { open, old };
}

Deno.test("the status page shows its groups to everybody, and nothing internal", async () => {
  await using world = await webWorld({ status: STATUS, tokens: TOKENS });
  await withIncidents(world);
  const badges = ["checkout", "api", MARKUP].flatMap((name) =>
    ["uptime", "status", "response"].map((what) => `/badge/${world.idOf(name)}/${what}.svg`)
  );
  const texts = await textsOf(world, [...PATHS, ...badges]);
  for (const text of texts) {
    assertEquals(INTERNAL.filter((word) => text.includes(word)), []);
    // The status that was answered, which a time's milliseconds may be as well.
    assert(!/(?<![\d.])503(?!\d)/.test(text), text);
    // What came from a site, or from a person, is text.
    assert(!/<script>alert|<img src=x/.test(text.replace(/^\{.*\}$/s, "")), text);
  }
  const [page = "", json = "", feed = ""] = texts;
  for (const word of ["Example &amp; status", "Some systems are down", "checkout is down"]) {
    assertStringIncludes(page, word);
  }
  for (const text of [page, json, feed]) assertStringIncludes(text, "We are at it. ");
  for (const text of [page, feed]) assertStringIncludes(text, "A cable was cut");
  const admin = world.idOf("admin");
  for (const path of [`/badge/${admin}/status.svg`, "/badge/1/x.svg", "/status/logo.svg", "/"]) {
    const response = await world.ask(path);
    assert([401, 404].includes(response.status), path);
    assert(!(await response.text()).includes("Overview"), path);
  }
});

Deno.test("/status.json is Statuspage's summary.json", async () => {
  await using world = await webWorld({ status: STATUS, public_url: "https://status.example" });
  const { open } = await withIncidents(world);
  const summary = await (await world.ask("/status.json")).json();
  const ajv = new Ajv({ strict: false });
  const isValid: boolean = ajv.validate(SUMMARY, summary);
  assert(isValid, ajv.errorsText());
  assertEquals(summary.page.url, "https://status.example/status");
  assertEquals(summary.status, { indicator: "major", description: "Some systems are down" });
  assertEquals(
    summary.components.map(({ name, status }: { name: string; status: string }) => [name, status]),
    [
      ["shop", "major_outage"],
      ["checkout", "major_outage"],
      ["front page", "operational"],
      [MARKUP, "major_outage"],
      [MARKUP, "major_outage"],
      ["api", "operational"],
      ["api", "operational"],
      ["nobody's", ""],
    ],
  );
  assertEquals(summary.incidents.map(({ id }: { id: string }) => id), [open]);
  assertEquals(summary.incidents[0].incident_updates.length, 1);
});

Deno.test("badges are small pictures that may be kept a minute", async () => {
  await using world = await webWorld({ status: STATUS });
  const path = `/badge/${world.idOf("checkout")}/uptime.svg`;
  const response = await world.ask(path);
  assertEquals(response.headers.get("content-type"), "image/svg+xml");
  assertEquals(response.headers.get("cache-control"), "public, max-age=60");
  const text = await response.text();
  assertStringIncludes(text, "checkout uptime 90 d: 9");
  assert(text.length < 1_000);
  const etag = response.headers.get("etag")!;
  assertEquals((await world.ask(path, { headers: { "if-none-match": etag } })).status, 304);
});

Deno.test("the status page has its own title, logo and colours", async () => {
  const folder = await Deno.makeTempDir();
  const logo = `${folder}/logo.svg`;
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
  await Deno.writeTextFile(logo, svg);
  const status = {
    ...STATUS,
    homepage: "https://example.com/?a=1&b=2",
    colours: { up: "#123456" },
  };
  await using world = await webWorld({ status });
  world.deps.config.web.status!.logo = {
    type: "image/svg+xml",
    bytes: await Deno.readFile(logo),
  };
  const app = createApp(world.deps);
  const ask = (path: string) =>
    app.request(`http://127.0.0.1${path}`, { headers: { host: "localhost" } });
  const page = await (await ask("/status")).text();
  assertStringIncludes(page, 'href="https://example.com/?a=1&amp;b=2"');
  assertStringIncludes(page, "/status/colours.css");
  assertStringIncludes(await (await ask("/status/colours.css")).text(), "--up: #123456;");
  const image = await ask("/status/logo.svg");
  assertEquals(await image.text(), svg);
  // Shown by itself, a script in it does not run.
  assertStringIncludes(image.headers.get("content-security-policy")!, "default-src 'none'");

  await exportStatus(world.deps, `${folder}/out`);
  const written = await Deno.readTextFile(`${folder}/out/index.html`);
  const links = [...written.matchAll(/(?:href|src)="(?!https?:|data:|#)([^"]*)"/g)];
  for (const [, file] of links) assert((await Deno.stat(`${folder}/out/${file}`)).size > 0, file);
  assertEquals(links.map(([, file]) => file!.replace(/^.*\//, "")).toSorted(), [
    ...["client.js", "colours.css", "feed.atom", "feed.atom", "logo.svg", "style.css"],
  ]);
  const badge = `${folder}/out/badge/${world.idOf("checkout")}/status.svg`;
  assertStringIncludes(await Deno.readTextFile(badge), "checkout: down");
  JSON.parse(await Deno.readTextFile(`${folder}/out/status.json`));
  await Deno.writeTextFile(`${folder}/file`, "");
  await assertRejects(
    () => exportStatus(world.deps, `${folder}/file`),
    UsageError,
    "Cannot write to",
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("httpmon web --export writes the status page of a database, and ends", async () => {
  await using world = await webWorld({}, 5);
  const folder = await Deno.makeTempDir();
  const content = { database: { dsn: world.database.dsn }, web: { status: STATUS } };
  const run = (to: string) => modeHere(webMode, ["web", "--export", to], content);
  assertEquals(await run(folder), { code: 0, stdout: "", stderr: "" });
  assertStringIncludes(await Deno.readTextFile(`${folder}/index.html`), "Some systems are down");
  await assertRejects(() => run(`${folder}/index.html`), UsageError, "Cannot write to");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("without web.status there is none", async () => {
  await using world = await webWorld();
  for (const path of [...PATHS, `/badge/${world.idOf("api")}/status.svg`]) {
    const response = await world.ask(path);
    assertEquals(response.status, 404, path);
    await response.body?.cancel();
  }
  const text = 'There is no status page: the config has no "web.status"';
  await assertRejects(() => exportStatus(world.deps, "/nowhere"), UsageError, text);
});

Deno.test("maintenance ahead is on the status page, one line for those of one time", async () => {
  await using world = await webWorld({ status: STATUS });
  const hour = 3_600_000;
  const now = Date.now();
  const of = (name: string) => world.deps.config.sites.find((site) => site.name === name)!;
  const soon = { kind: "once" as const, from: now + hour, to: now + 2 * hour };
  Object.assign(of("checkout"), { maintenance: [soon] });
  Object.assign(of("api"), {
    maintenance: [soon, { kind: "once", from: now - 2 * hour, to: now - hour }],
  });
  Object.assign(of("front page"), {
    maintenance: [{ kind: "cron", cron: "0 3 * * *", durationMs: hour, timeZone: "Europe/Berlin" }],
  });
  Object.assign(of("admin"), { maintenance: [soon] });
  const { scheduled_maintenances } = await (await world.ask("/status.json")).json();
  assertEquals(
    // deno-lint-ignore no-explicit-any
    scheduled_maintenances.map((one: any) => one.name).sort(),
    ["Maintenance of checkout, api", "Maintenance of front page"],
  );
  assertStringIncludes(await (await world.ask("/status")).text(), "checkout, api");
});

const text = { type: "string" };
const time = { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT.*Z$" };
const object = (properties: Record<string, unknown>) => ({
  type: "object",
  required: Object.keys(properties),
  properties,
});
const list = (items: unknown) => ({ type: "array", items });
const component = object({
  id: text,
  name: text,
  status: {
    enum: [
      ...["operational", "degraded_performance", "partial_outage", "major_outage"],
      ...["under_maintenance", ""],
    ],
  },
  created_at: time,
  updated_at: time,
  position: { type: "integer" },
  description: { type: ["string", "null"] },
  showcase: { type: "boolean" },
  group_id: { type: ["string", "null"] },
  page_id: text,
  group: { type: "boolean" },
  only_show_if_degraded: { type: "boolean" },
});
const incident = {
  id: text,
  name: text,
  created_at: time,
  updated_at: time,
  impact: { enum: ["none", "minor", "major", "critical", "maintenance"] },
  shortlink: text,
  page_id: text,
  incident_updates: list(object({ id: text, status: text, body: text, created_at: time })),
};

/** As Statuspage documents it. */
const SUMMARY = object({
  page: object({ id: text, name: text, url: text, time_zone: text, updated_at: time }),
  components: list(component),
  incidents: list(object({
    ...incident,
    status: { enum: ["investigating", "identified", "monitoring", "resolved", "postmortem"] },
  })),
  scheduled_maintenances: list(object({
    ...incident,
    status: { enum: ["scheduled", "in_progress", "verifying", "completed"] },
    scheduled_for: time,
    scheduled_until: time,
  })),
  status: object({
    indicator: { enum: ["none", "minor", "major", "critical", "maintenance"] },
    description: text,
  }),
});
