import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Change } from "../../../alerts/state/change.ts";
import { worldOf } from "../play.ts";
import { readInTurns, stories, turnsOf } from "./stories.ts";

const RUNS = { numRuns: 300, seed: 11 };

/** At one time, what happens to several has no order. */
function facts(changes: readonly Change[]): string[] {
  return changes.map((change) => JSON.stringify(change)).sort();
}

Deno.test("Overview makes the same of a story, whoever reads which partition when", () => {
  let told = 0;
  fc.assert(
    fc.property(stories, turnsOf(3), (story, turns) => {
      const world = () => worldOf(undefined, undefined, [], 3);
      const atOnce = readInTurns(story, world(), 3, []);
      const live = readInTurns(story, world(), 3, turns);
      assertEquals(facts(live), facts(atOnce));
      told += live.length;
    }),
    RUNS,
  );
  if (told < 300) throw new Error("Nothing happened");
});

Deno.test("Overview closes all that it opens, once and after it", () => {
  fc.assert(
    fc.property(stories, (story) => {
      const open = new Map<string, Change>();
      for (const change of readInTurns(story, worldOf(), 1, [])) {
        const { subject, kind, openedAt } = change;
        const key = JSON.stringify([subject, kind, openedAt]);
        if (change.what === "opened") {
          assertEquals(open.has(key), false, key);
          open.set(key, change);
        } else {
          assertEquals(open.delete(key), true, key);
          assertEquals(change.closedAt >= openedAt, true);
        }
      }
      // Nothing comes any more: that, and no site, is what is told at last.
      assertEquals([...open.values()].filter(({ kind }) => kind !== "agent_silent"), []);
    }),
    RUNS,
  );
});
