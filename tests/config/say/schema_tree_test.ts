import { assertEquals } from "@std/assert";
import { configSchema } from "../../../config/schema.ts";
import { childOf, isMapSchema, keysOf, placeOf } from "../../../config/say/schema_tree.ts";

Deno.test("keysOf() gives the keys of a map that has certain ones", () => {
  assertEquals(keysOf(configSchema)?.toSorted(), [
    "agent",
    "alerts",
    "database",
    "defaults",
    "include",
    "kafka",
    "loglevel",
    "templates",
    "web",
    "websites",
    "writer",
  ]);
  assertEquals(keysOf(childOf(configSchema, "websites")), null);
  assertEquals(keysOf(childOf(configSchema, "loglevel")), null);
  assertEquals(keysOf(null), null);
});

Deno.test("childOf() goes into maps, free keys and lists", () => {
  const site = childOf(childOf(configSchema, "websites"), "https://example.com/");
  assertEquals(keysOf(site)?.includes("timeout"), true);
  const code = childOf(childOf(site, "valid_status_codes"), 0);
  assertEquals(code === null, false);
  assertEquals(isMapSchema(code), false);
  assertEquals(childOf(site, "toString"), null);
  assertEquals(childOf(null, "a"), null);
});

Deno.test("placeOf() finds the map that knows a key", () => {
  assertEquals(placeOf(configSchema, "loglevel"), []);
  assertEquals(placeOf(configSchema, "topic"), ["kafka", "monitoring"]);
  assertEquals(placeOf(configSchema, "timeout"), ["websites", "<url>"]);
  assertEquals(placeOf(configSchema, "token_url"), ["websites", "<url>", "auth", "oauth2"]);
  assertEquals(placeOf(configSchema, "matches"), ["websites", "<url>", "json", "<name>"]);
  assertEquals(placeOf(configSchema, "nowhere"), null);
});
