import { assert, assertRejects } from "@std/assert";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mutatedTree } from "./mutated_tree.ts";
import { MUTANTS } from "./scenarios/mutants.ts";

Deno.test("mutatedTree() finds the place of each mutant in today's sources", async () => {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-mutants-"));
  try {
    for (const { name, mutant } of MUTANTS) {
      const root = await mutatedTree(join(folder, name), mutant!.changes);
      assert((await stat(`${root}main.ts`)).isFile());
    }
    const nowhere = [{ file: "main.ts", find: "is not there", replace: "" }];
    await assertRejects(() => mutatedTree(join(folder, "none"), nowhere), Error, "is not there");
  } finally {
    await rm(folder, { recursive: true });
  }
});
