import { assert, assertEquals } from "@std/assert";
import type { AlertRules } from "../../config/types.ts";
import { NEW_SITE, type Observation, observe } from "../../alerts/state.ts";
import { FRESH_MS, levelsOf, MINUTE_MS, minutes, play, RULES, seen } from "./play.ts";

/** What agents see, a letter a minute, and what the site is after each minute. */
const HISTORIES: { what: string; see: string[]; is: string; rules?: Partial<AlertRules> }[] = [
  { what: "takes 3 failures for down and 2 for up", see: ["uuddduuu"], is: " uuuddu" + "u" },
  { what: "does not page for a blip", see: ["uudduuddu"], is: " uuuuuuuu" },
  { what: "knows nothing before its thresholds", see: ["dduddd"], is: "     d" },
  { what: "does not count unknown, in a row or out of it", see: ["uudd?duu"], is: " uuuuddu" },
  { what: "lets an agent with unknown results alone say nothing", see: ["uu?????"], is: " uuuuuu" },
  { what: "is quiet in a maintenance", see: ["uummmmmm", "uummmmmm"], is: " uuuuuuu" },
  { what: "begins a run anew behind a maintenance", see: ["uuddmmmddd"], is: " uuuuuuuud" },
  { what: "begins a run anew behind silence", see: ["uudd   dd"], is: " uuu...uu" },
  { what: "opens at a strict majority", see: ["uudddd", "uudddd", "uuuuuu"], is: " uuudd" },
  { what: "stays as it is at a tie", see: ["uudddd", "uuuuuu"], is: " uuuuu" },
  { what: "stays down at a tie", see: ["uuddddd", "uuddduuu"], is: " uuudddd" },
  {
    what: "stays down where half say so, and half that it is slow",
    see: ["uuddddddd", "uudddssss"],
    is: " uuuddddd",
  },
  { what: "asks no votes that are stale", see: ["uuddddddd", "uu"], is: " uuudd" + "ddd" },
  { what: "counts stale votes while they are fresh", see: ["uuddd", "uuu"], is: " uuuu" },
  { what: "is not decided by who abstains", see: ["uuddd", "uuuu?"], is: " uuuu" },
  { what: "has those decide who do not abstain", see: ["uudddd", "uuuu??"], is: " uuuud" },
  {
    what: "takes one where one is enough",
    see: ["uuddduu", "uuuuuuu"],
    is: " uuuddu",
    rules: { downWhen: "any" },
  },
  {
    what: "takes all where all are needed",
    see: ["uudddddd", "uuuudddu"],
    is: " uuuuudd",
    rules: { downWhen: "all" },
  },
  {
    what: "takes a number of agents",
    see: ["uuddd", "uuddd", "uuuuu", "uuuuu"],
    is: " uuud",
    rules: { downWhen: 2 },
  },
  {
    what: "stays where fewer than the number are left, and none is up",
    see: ["uudddd", "uuddd ", "uuu   "],
    is: " uuudd",
    rules: { downWhen: 2 },
  },
  { what: "is degraded where it is slow", see: ["uusssuu"], is: " uuussu" },
  { what: "goes from degraded to down and back", see: ["uusssdddssuu"], is: " uuusssddss" + "u" },
  { what: "is degraded where slow and down take turns", see: ["uusdsd"], is: " uuuss" },
];

for (const { what, see, is, rules } of HISTORIES) {
  Deno.test(`observe() ${what}: ${see.map((letters) => `"${letters}"`).join(" ")}`, () => {
    assertEquals(levelsOf(see, { ...RULES, ...rules }), is);
  });
}

Deno.test("observe() counts slots, not results", () => {
  const slow = { ...seen("d", 0, 4), slots: 3 };
  assertEquals(play([...minutes(["uu"]), { ...slow, ...at(slow, 2) }]).state.level, "down");
});

/** The same result, `by` minutes earlier. */
function at(result: Observation, by: number): Pick<Observation, "ts" | "at"> {
  return { ts: result.ts - by * MINUTE_MS * 1_000, at: result.at - by * MINUTE_MS };
}

Deno.test("observe() takes a result once, and none before the last one of its agent", () => {
  const results = minutes(["uuddd"]);
  const { state } = play(results);
  assertEquals(state.level, "down");
  for (const again of results) assert(observe(state, again, RULES).state === state);
  const early = { ...results[4]!, ts: results[3]!.ts + 1 };
  assert(observe(state, early, RULES).state === state);
});

Deno.test("observe() takes no result that comes later than it speaks, or from the future", () => {
  const { state } = play(minutes(["uu"]));
  const backlog = ["d", "d", "d"].map((letter, n) => {
    const result = seen(letter, 0, 2 + n);
    return { ...result, at: result.at + FRESH_MS + 3 * MINUTE_MS };
  });
  assert(play(backlog, RULES, state).state === state);
  const ahead = { ...seen("d", 1, 2), ts: seen("d", 1, 5).ts };
  assert(observe(state, ahead, RULES).state === state);
  // Of another partition that is read later: what is known is newer than this.
  const { state: later } = play(minutes(["uuuuuuuu"]));
  assert(observe(later, seen("d", 1, 1), RULES).state === later);
});

Deno.test("observe() says what who saw, from when on", () => {
  const [opened, resolved] = play(minutes(["uuddddduu", "uuuddddduu"])).changes;
  assert(opened?.what === "opened" && resolved?.what === "resolved");
  assertEquals(opened.kind, "down");
  assertEquals(opened.openedAt, seen("d", 1, 5).ts);
  assertEquals(
    opened.evidence.map(({ location, since, cause }) => [location, since, cause]),
    [["place-0", seen("d", 0, 2).ts, "d"], ["place-1", seen("d", 1, 3).ts, "d"]],
  );
  assertEquals(resolved.openedAt, opened.openedAt);
  assertEquals(resolved.closedAt, seen("u", 1, 9).ts);
});

/** Mulberry32: the same numbers for a seed. */
function seeded(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Agents that see the same outages, with blips, silences, unknowns and maintenances of their own. */
function randomAgents(random: () => number): string[] {
  const length = 60;
  const truth = "u".repeat(10) + "d".repeat(Math.floor(random() * 15)) + "u".repeat(10) +
    "s".repeat(Math.floor(random() * 10));
  return Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
    let noise = "";
    let left = 0;
    return Array.from({ length }, (_, minute) => {
      if (left-- <= 0) {
        noise = random() < 0.7 ? "" : "ud?m "[Math.floor(random() * 5)]!;
        left = Math.floor(random() * 6);
      }
      return noise || truth[minute] || "u";
    }).join("") + "uuuu";
  });
}

/** Whether the agent's own results say down at this one's time: the last ones that count, in a row. */
function lastLetters(results: readonly Observation[], agent: string, now: number): string {
  let letters = "";
  let last = -Infinity;
  for (const { agent: of, at, verdict, maintenance } of results) {
    if (of !== agent || maintenance || verdict === "unknown") continue;
    if (at - last > FRESH_MS) letters = "";
    letters += verdict[1] === "e" ? "s" : verdict[0];
    last = at;
  }
  return now - last > FRESH_MS ? "" : letters;
}

Deno.test("observe() pages by a strict majority, closes what it opens, and replays as it was", () => {
  let opened = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const agents = randomAgents(seeded(seed));
    const results = minutes(agents);
    const { levels, changes, state } = play(results);

    let before: string | null = null;
    for (const [n, { result, level }] of levels.entries()) {
      if (level === "down" && before !== "down") {
        const history = results.slice(0, n + 1);
        const known = agents.map((_, i) => lastLetters(history, `agent-${i}`, result.at));
        const newest = agents.map((_, i) =>
          history.findLast(({ agent }) => agent === `agent-${i}`)
        );
        const speaking = known.filter((_, i) =>
          newest[i] && !newest[i].maintenance && newest[i].verdict !== "unknown"
        );
        // "ddd" once, and never "uu" or two that are not down and three that are bad behind it.
        const isDown = (letters: string) => /ddd(?!.*(?:uu|[us]{2}))[^]*$/.test(letters);
        const isOther = (letters: string) => /uu$/.test(letters);
        const down = speaking.filter(isDown).length;
        assert(
          down > speaking.filter(isOther).length,
          `seed ${seed}\n${agents.join("\n")}\n${n} ${known}`,
        );
        assert(down > 0);
      }
      before = level;
    }

    // One incident at a time, each closed by the next change; all are up at the end.
    for (const [n, change] of changes.entries()) {
      assertEquals(change.what, n % 2 === 0 ? "opened" : "resolved");
      if (n % 2 === 1) assertEquals(change.openedAt, changes[n - 1]!.openedAt);
    }
    assertEquals([state.level, state.openedAt, changes.length % 2], ["up", null, 0]);

    // Replay: what is known survives JSON, and the same again changes nothing.
    assertEquals(play(results, RULES, JSON.parse(JSON.stringify(NEW_SITE))).changes, changes);
    const half = Math.floor(results.length / 2);
    const stored = JSON.parse(JSON.stringify(play(results.slice(0, half)).state));
    assertEquals(play(results, RULES, stored).state, state);
    assertEquals(play(results, RULES, state).changes, []);
    opened += changes.length / 2;
  }
  assert(opened > 200, "Nothing happened");
});
