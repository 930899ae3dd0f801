/** What holds for every page, found by following the links from the first. */
import { assert, assertEquals } from "@std/assert";
import { addNote } from "../../web/data/incidents/notes.ts";
import { addIncident, MARKUP, webWorld, type World } from "./world.ts";

const SECRET = "s".repeat(40);
const MOST = 300;

/** The text of a page or an answer, by its path. */
type Answers = Map<string, { status: number; type: string; text: string }>;

/** Follows the links of all pages, the open event streams left out. */
async function crawl(world: World, from: readonly string[]): Promise<Answers> {
  const answers: Answers = new Map();
  const ahead = [...from];
  for (let path; (path = ahead.shift()) !== undefined && answers.size < MOST;) {
    if (answers.has(path)) continue;
    const response = await world.ask(path);
    const type = response.headers.get("content-type") ?? "";
    const text = await response.text();
    answers.set(path, { status: response.status, type, text });
    if (!type.startsWith("text/html")) continue;
    for (const [, link] of text.matchAll(/(?:href|src)="(\/[^"#]*)/g)) {
      ahead.push(link!.replaceAll("&amp;", "&"));
    }
  }
  return answers;
}

Deno.test("every page is safe and whole, whatever sites and people wrote", async () => {
  await using world = await webWorld({
    secret: SECRET,
    status: { groups: ["shop", MARKUP], title: MARKUP },
    title: MARKUP,
  });
  const incident = await addIncident(world, MARKUP, { cause: MARKUP });
  await addNote(world.deps.operator, incident, { author: MARKUP, isPublic: true, text: MARKUP });
  await world.database.rows(
    `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", key, value, reason, detail)
     VALUES ('c', $1, 0, 1, $2, $2, 'not_json', $1)`,
    [MARKUP, new TextEncoder().encode(MARKUP)],
  );
  await world.database.rows(
    `INSERT INTO notifications (incident_id, channel, event, state, error)
     VALUES ($1, $2, 'opened', 'failed', $2)`,
    [incident, MARKUP],
  );
  const answers = await crawl(world, ["/", "/status", `/incidents/${incident}`]);
  const pages = [...answers].filter(([, { type }]) => type.startsWith("text/html"));
  assert(pages.length > 20, `only ${pages.length} pages were found`);
  const password = new URL(world.database.dsn).password;
  for (const [path, { status, text }] of answers) {
    assertEquals(status, 200, path);
    assert(!text.includes(SECRET) && !text.includes(password), `${path} tells a secret`);
  }
  for (const [path, { text }] of pages) {
    assert(!/<script>|<img src=x/.test(text), `${path} has markup of a site's`);
    // What the policy forbids would be missing.
    const inline = /<script(?![^>]* src="\/)|<style|\sstyle="|\son[a-z]+="/.exec(text);
    assertEquals(inline?.[0], undefined, path);
    for (const [form] of text.matchAll(/<form[^>]*method="post"[^]*?<\/form>/g)) {
      assert(/name="csrf" value="[\w.-]{20,}"/.test(form), `${path}: ${form}`);
    }
    assert(!/(?:href|src|action)="(?:https?:)?\/\/(?!hostile|shop|api|admin)/.test(text), path);
  }
  const shown = pages.filter(([, { text }]) => text.includes("&lt;script&gt;alert(1)"));
  assert(shown.length > 10, "what the sites wrote is not shown");
});

Deno.test("a page travels compressed to who takes that", async () => {
  await using world = await webWorld();
  const packed = await world.ask("/", { headers: { "accept-encoding": "gzip" } });
  assertEquals(packed.headers.get("content-encoding"), "gzip");
  assertEquals(packed.headers.get("vary")?.toLowerCase(), "accept-encoding");
  const body = packed.body!.pipeThrough(new DecompressionStream("gzip"));
  assert((await new Response(body).text()).startsWith("<!DOCTYPE html>"));
});
