import { assertThrows } from "@std/assert";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../../scripts/build/project.ts";
import { changedText } from "./mutated_tree.ts";
import { MUTANTS } from "../scenarios/mutants.ts";

Deno.test("changedText() finds the place of each mutant in today's sources", async () => {
  for (const { mutant } of MUTANTS) {
    const texts = new Map<string, string>();
    for (const change of mutant!.changes) {
      const text = texts.get(change.file) ?? await readFile(join(ROOT, change.file), "utf8");
      texts.set(change.file, changedText(text, change));
    }
  }
});

Deno.test("changedText() refuses what is not there once", () => {
  for (const find of ["x", "b"]) {
    const change = { file: "f", find, replace: "" };
    assertThrows(() => changedText("abab", change), Error, `once in f: ${find}`);
  }
});
