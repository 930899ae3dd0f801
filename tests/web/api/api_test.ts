import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import { createHash } from "node:crypto";
import { addIncident, resultNow, SAMPLES, webWorld, type World } from "../world.ts";

const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const TOKENS = {
  board: { token: sha256("r".repeat(20)) },
  bot: { token: sha256("o".repeat(20)), role: "operate" },
};

type Json = Record<string, unknown>;
interface Description {
  paths: Record<string, Record<string, { responses: Record<string, Json> }>>;
  components: { responses: Record<string, Json> };
}

/** Asks the API, and holds each answer against the description. */
class Client {
  readonly #world: World;
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  readonly #description: Description;
  readonly asked = new Set<string>();
  token = "r".repeat(20);

  private constructor(world: World, description: Description) {
    this.#world = world;
    this.#description = description;
    this.#ajv.addSchema(description, "api");
  }

  static async of(world: World): Promise<Client> {
    const headers = { authorization: `Bearer ${"r".repeat(20)}` };
    const response = await world.ask("/api/v1/openapi.json", { headers });
    return new Client(world, await response.json());
  }

  get operations(): string[] {
    return Object.entries(this.#description.paths)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  }

  // deno-lint-ignore no-explicit-any
  async ask(method: string, path: string, expected: number, body?: unknown): Promise<any> {
    const response = await this.#world.ask(`/api/v1${path}`, {
      method: method.toUpperCase(),
      ...(body !== undefined && { body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${this.token}`, accept: "application/json" },
    });
    const text = await response.text();
    assertEquals(response.status, expected, text);
    const answer = JSON.parse(text);
    const place = this.#placeOf(path.split("?")[0]!);
    if (place === null) return answer;
    this.asked.add(`${method} ${place}`);
    const described = this.#description.paths[place]![method]!.responses[expected];
    assert(described, `${method} ${place} describes no ${expected}`);
    const type = expected < 400 ? "application/json" : "application/problem+json";
    assertEquals(response.headers.get("content-type"), type);
    const pointer = "$ref" in described
      ? `${described.$ref}/content`
      : `#/paths/${place.replaceAll("/", "~1")}/${method}/responses/${expected}/content`;
    const schema = `api${pointer}/${type.replaceAll("/", "~1")}/schema`.replace(
      /[{}]/g,
      encodeURIComponent,
    );
    const isValid = this.#ajv.validate({ $ref: schema }, answer);
    assert(isValid, `${method} ${path}: ${this.#ajv.errorsText()}\n${text}`);
    return answer;
  }

  /** As the description names it; null where it has none. */
  #placeOf(path: string): string | null {
    return Object.keys(this.#description.paths).find((place) =>
      new RegExp(`^${place.replace(/\{\w+\}/g, "[^/]+")}$`).test(path)
    ) ?? null;
  }

  /** All entries of a list, page by page. */
  // deno-lint-ignore no-explicit-any
  async all(path: string): Promise<any[]> {
    const entries = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const query: string = `${path.includes("?") ? "&" : "?"}${cursor && `cursor=${cursor}`}`;
      const page: { data: Json[]; next: string | null } = await this.ask("get", path + query, 200);
      entries.push(...page.data);
      cursor = page.next;
    }
    return entries;
  }
}

Deno.test("/api/v1 answers as its description says, every operation of it", async () => {
  await using world = await webWorld({ tokens: TOKENS });
  const client = await Client.of(world);
  const incident = await addIncident(world, "checkout");
  const old = await addIncident(world, "front page", { ago: 500, closedAgo: 400 });
  const checkout = world.idOf("checkout");
  const site = await client.ask("get", `/sites/${checkout}`, 200);
  assertEquals([site.name, site.state, site.reason], ["checkout", "down", "status"]);
  assertEquals(site.downFrom, ["eu-west", "us-east"]);
  assert(site.uptime.day > 0.9 && site.uptime.day < 1, String(site.uptime.day));
  assertEquals((await client.ask("get", "/sites", 200)).data.length, SAMPLES.length);
  const down = await client.ask("get", "/sites?state=down&q=check", 200);
  assertEquals(down.data.map(({ id }: { id: number }) => id), [checkout]);
  await client.ask("get", `/sites/${checkout}/results?limit=3`, 200);
  assertEquals((await client.ask("get", "/incidents", 200)).data.length, 2);
  const open = await client.ask("get", "/incidents?state=open", 200);
  assertEquals(open.data.map(({ id }: { id: string }) => id), [incident]);
  assertEquals((await client.ask("get", `/incidents/${incident}`, 200)).subject, "checkout");
  await client.ask("get", "/agents", 200);
  await world.database.rows(
    `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
     VALUES ('c', 'monitoring', 0, 1, '', 'empty', ''), ('c', 'monitoring', 0, 2, '', 'empty', '');
     INSERT INTO notifications (incident_id, channel, event, state) VALUES
       (${incident}, 'chat', 'opened', 'pending'), (${incident}, 'chat', 'resolved', 'failed')`,
  );
  const { deadLetters, notifications } = await client.ask("get", "/pipeline", 200);
  assertEquals(deadLetters.map(({ reason, count }: Json) => [reason, count]), [["empty", 2]]);
  assertEquals(
    notifications.map(({ channel, pending, failed }: Json) => [channel, pending, failed]),
    [["chat", 1, 1]],
  );

  // Those who only read change nothing.
  await client.ask("post", `/incidents/${incident}/acknowledge`, 403);
  client.token = "o".repeat(20);
  const acknowledged = await client.ask("post", `/incidents/${incident}/acknowledge`, 201);
  assert(acknowledged.acknowledgedAt !== null);
  const again = await client.ask("post", `/incidents/${incident}/acknowledge`, 201);
  assertEquals(again, acknowledged);
  await client.ask("post", `/incidents/${old}/acknowledge`, 409);
  const text = "A switch was replaced";
  const noted = await client.ask("post", `/incidents/${incident}/notes`, 201, {
    text,
    public: true,
  });
  assertEquals(
    noted.notes.map((note: Json) => [note.text, note.public, note.author]),
    [["Acknowledged", false, "bot"], [text, true, "bot"]],
  );

  const silence = { matchers: ["group=web", 'site=~"shop.*"'], seconds: 3600, why: "Moving" };
  const silenced = await client.ask("post", "/silences", 201, silence);
  assertEquals([silenced.matchers, silenced.createdBy], [['group="web"', 'site=~"shop.*"'], "bot"]);
  assertEquals((await client.ask("get", "/silences", 200)).data, [silenced]);
  await client.ask("delete", `/silences/${silenced.id}`, 200);
  await client.ask("delete", `/silences/${silenced.id}`, 404);
  assertEquals((await client.ask("get", "/silences", 200)).data, []);
  await client.ask("post", "/silences", 400, { ...silence, matchers: ["web"] });
  await client.ask("post", "/silences", 400, { ...silence, seconds: 0 });

  for (
    const [path, status] of [
      ["/sites/999999", 404],
      ["/sites/x", 404],
      ["/sites?state=good", 400],
      ["/sites?limit=0", 400],
      ["/sites?limit=501", 400],
      ["/sites?nothing=1", 400],
      ["/sites?cursor=nonsense", 200],
      [`/sites/${checkout}/results?since=yesterday`, 400],
      ["/incidents/999", 404],
      ["/incidents/1;drop", 404],
      ["/nowhere", 404],
    ] as const
  ) {
    await client.ask("get", path, status);
  }
  await client.ask("post", `/incidents/${incident}/notes`, 400, { text: "" });
  await client.ask("post", `/incidents/${incident}/notes`, 400, { text: "x", by: "me" });
  await client.ask("post", "/incidents/999/notes", 404, { text: "x" });
  assertEquals([...client.asked].sort(), client.operations.sort());
});

Deno.test("/api/v1 gives each entry once, page by page", async () => {
  await using world = await webWorld({ tokens: TOKENS }, 20);
  const client = await Client.of(world);
  for (let n = 0; n < 5; n++) await addIncident(world, "api", { ago: 100 + n, closedAgo: 50 });
  const ids = (entries: { id: number | string }[]) => entries.map(({ id }) => String(id));
  const unique = (entries: unknown[]) => new Set(entries.map((one) => JSON.stringify(one))).size;

  const sites = await client.all("/sites?limit=2");
  assertEquals(ids(sites), ids(await client.all("/sites")));
  assertEquals(unique(sites), SAMPLES.length);
  const incidents = await client.all("/incidents?limit=2");
  assertEquals(ids(incidents), ["5", "4", "3", "2", "1"]);

  const path = `/sites/${world.idOf("checkout")}/results`;
  const results = await client.all(`${path}?limit=7`);
  assertEquals(results.length, 42);
  assertEquals(unique(results), 42);
  assertEquals(results.toSorted((a, b) => a.ts < b.ts ? 1 : -1), results);
  const some = await client.all(`${path}?limit=7&since=${results[9].ts}&until=${results[1].ts}`);
  assertEquals(some.length, 8);
});

Deno.test("/api/v1 hides no result of a moment behind a cursor", async () => {
  await using world = await webWorld({ tokens: TOKENS }, 1);
  const client = await Client.of(world);
  const path = `/sites/${world.idOf("api")}/results`;
  const [first, second] = resultNow("api");
  await world.store([first!, { ...second!, ts: first!.ts }]);
  const all = await client.all(path);
  assertEquals(new Set(all.slice(0, 2).map(({ ts }) => ts)).size, 1);
  assertEquals(all.length, 6);
  for (const limit of [1, 2, 3]) {
    assertEquals(await client.all(`${path}?limit=${limit}`), all, `limit=${limit}`);
  }
});

Deno.test("/api/v1 says nothing to who is not known", async () => {
  await using world = await webWorld({ tokens: TOKENS });
  for (const path of ["/sites", "/openapi.json", "/incidents/1", "/nowhere"]) {
    const response = await world.ask(`/api/v1${path}`);
    assertEquals(response.status, 401);
    assertEquals(response.headers.get("content-type"), "application/problem+json");
    await response.body?.cancel();
  }
});
