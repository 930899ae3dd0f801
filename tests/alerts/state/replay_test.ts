import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Change } from "../../../alerts/state/change.ts";
import type { World } from "../../../scripts/simulate/world.ts";
import { FRESH_MS, resultsOf, RULES, type Story, worldOf } from "../play.ts";
import { readInTurns, stories, turnsOf } from "./stories.ts";

const RUNS = { numRuns: 300, seed: 11 };

/** Site 2 depends on the first, the third has an objective; the last two share a host, and of them the config has the third. */
function world(partitions = 1): World {
  return worldOf(
    RULES,
    (site) => ({
      parents: site === 2 ? [1] : [],
      children: site === 1 ? [2] : [],
      slo: site === 3 ? 99 : null,
      host: `host-${Math.min(site, 3)}`,
      isExpected: site < 4,
    }),
    [],
    partitions,
  );
}

/** At one time, what happens to several has no order. */
function facts(changes: readonly Change[]): string[] {
  return changes.map((change) => JSON.stringify(change)).sort();
}

Deno.test("Overview makes the same of a story, whoever reads which partition when", () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(stories, turnsOf(3), (story, turns) => {
      const atOnce = readInTurns(story, world(3), 3, []);
      const live = readInTurns(story, world(3), 3, turns);
      assertEquals(facts(live), facts(atOnce));
      for (const { kind, what } of live) kinds.add(`${kind} ${what}`);
    }),
    RUNS,
  );
  // So that each is seen to happen.
  for (
    const kind of ["down", "degraded", "unobserved", "agent_silent", "agent_network", "slo_fast"]
  ) {
    assert(kinds.has(`${kind} opened`), `${kind} never opened`);
  }
  assert(kinds.has("down flapping"));
});

Deno.test("Overview closes all that it opens, once and after it", () => {
  fc.assert(
    fc.property(stories, (story) => {
      const open = new Map<string, Change>();
      for (const change of readInTurns(story, world(), 1, [])) {
        const { subject, kind, openedAt } = change;
        const key = JSON.stringify([subject, kind, openedAt]);
        if (change.what === "opened") {
          assertEquals(open.has(key), false, key);
          open.set(key, change);
        } else if (change.what === "flapping") {
          assertEquals(open.has(key), true, key);
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

/** What an agent's own results say of a site before `at`: the letters that count, in a row. */
function lettersOf(story: Story, agent: string, site: number, at: number): string {
  let letters = "";
  let last = -Infinity;
  for (const result of resultsOf(story)) {
    if (result.agent !== agent || result.site !== site || result.at > at) continue;
    if (["maintenance", "unknown"].includes(result.verdict)) continue;
    if (result.at - last > FRESH_MS) letters = "";
    letters += result.verdict === "degraded" ? "s" : result.verdict[0];
    last = result.at;
  }
  return at - last > FRESH_MS ? "" : letters;
}

Deno.test("Overview pages of no site without a strict majority of those who say how it is", () => {
  let pages = 0;
  fc.assert(
    fc.property(stories, (story) => {
      // Flapping and what depends on others open later than their votes.
      const plain = worldOf(RULES, () => ({ host: "one" }));
      for (const change of readInTurns(story, plain, 1, [])) {
        if (change.what !== "opened" || change.kind !== "down") continue;
        const { subject, evidence } = change;
        assert("site" in subject);
        pages++;
        const heard = story.map((_, n) => {
          const agent = `agent-${n}`;
          return { agent, letters: lettersOf(story, agent, subject.site, change.at) };
        });
        const wrong = heard.filter(({ agent, letters }) =>
          evidence.some((one) => one.agent === agent) &&
          // Three in a row, and since then neither up for two, nor slow for two and bad for three.
          !/ddd(?!.*(?:uu|[ds]ss))/.test(letters)
        );
        assertEquals(wrong, []);
        // Who abstains says nothing, and may have been up before.
        const newest = (agent: string) =>
          resultsOf(story).findLast((result) =>
            result.agent === agent && result.site === subject.site && result.at <= change.at
          );
        const against = heard.filter(({ agent, letters }) => {
          const last = newest(agent);
          return /uu$/.test(letters) && last && !["maintenance", "unknown"].includes(last.verdict);
        });
        assert(
          evidence.length > against.length,
          `${evidence.map(({ agent }) => agent)} against ${against.map(({ agent }) => agent)}`,
        );
      }
    }),
    RUNS,
  );
  assert(pages > 200, String(pages));
});
