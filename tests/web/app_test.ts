import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { webWorld, type World } from "./world.ts";

const TOKEN = "t".repeat(20);
const TOKENS = {
  board: { token: `sha256:${createHash("sha256").update(TOKEN).digest("hex")}` },
};

async function asked(world: World, path: string, accept: string, token = TOKEN) {
  const authorization = `Bearer ${token}`;
  const response = await world.ask(path, { headers: { accept, ...token && { authorization } } });
  return [response.status, await response.text()] as const;
}

Deno.test("what is not there, and what did not work, is told each in its way", async () => {
  await using world = await webWorld({ status: { groups: ["shop"] }, tokens: TOKENS }, 5);
  const [html, json] = ["text/html", "application/json"];
  const [missing, page] = await asked(world, "/nowhere", html);
  assertEquals([missing, page.includes("There is no such page.")], [404, true]);
  const [absent, problem] = await asked(world, "/api/v1/nowhere", json);
  assertEquals([absent, JSON.parse(problem).detail ?? JSON.parse(problem).title], [
    404,
    "There is no such thing",
  ]);

  await world.database.rows("ALTER TABLE incidents RENAME TO gone");
  const why = 'relation "incidents" does not exist; run "httpmon init-schema" first';
  const [failed, words] = await asked(world, "/incidents", html);
  assertEquals(failed, 500);
  assert(words.includes(why.replaceAll('"', "&quot;")) && words.includes("This did not work"));
  const [status, answer] = await asked(world, "/api/v1/incidents", json);
  assertEquals(status, 500);
  assert(JSON.stringify(JSON.parse(answer)).includes("init-schema"), answer);
  // Who looks at the status page is told nothing of what is inside.
  assertEquals(await asked(world, "/status", html, ""), [
    500,
    "This did not work: try it again in a while\n",
  ]);

  world.deps.pool.query = () => Promise.reject(new TypeError("x is not a function"));
  const [, defect] = await asked(world, "/reports", html);
  assert(defect.includes("This is a defect; the log has more."), defect);
});
