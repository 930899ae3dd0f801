import { assertEquals } from "@std/assert";
import { createApp } from "../../web/app.ts";
import { CurrentSites } from "../../web/data/now/current_sites.ts";
import { webWorld } from "./world.ts";

Deno.test("createApp() answers /readyz once the sites are read, whoever asks by whatever name", async () => {
  await using world = await webWorld({});
  const sites = new CurrentSites(world.deps);
  const app = createApp({ ...world.deps, sites });
  const ask = async (path: string) => {
    const response = await app.request(path, { headers: { host: "10.1.2.3:8080" } });
    return [response.status, await response.json()];
  };
  assertEquals(await ask("/healthz"), [200, { status: "ok" }]);
  assertEquals(await ask("/readyz"), [503, {
    status: "unavailable",
    reasons: ["The state of the sites is not read yet"],
  }]);
  await sites.load();
  assertEquals(await ask("/readyz"), [200, { status: "ok" }]);
});
