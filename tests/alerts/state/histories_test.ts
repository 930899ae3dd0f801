import { assertEquals } from "@std/assert";
import type { AlertRules } from "../../../config/types.ts";
import { levelsOf, RULES } from "../play.ts";

/** What agents see, a letter a minute, and what the site is after each minute. */
const HISTORIES: { what: string; see: string[]; is: string; rules?: Partial<AlertRules> }[] = [
  { what: "takes 3 failures for down and 2 for up", see: ["uuddduuu"], is: " uuuddu" + "u" },
  { what: "does not page for a blip", see: ["uudduuddu"], is: " uuuuuuuu" },
  { what: "knows nothing before its thresholds", see: ["dduddd"], is: "     d" },
  { what: "does not count unknown, in a row or out of it", see: ["uudd?duu"], is: " uuuuddu" },
  { what: "is unobserved where all results are unknown", see: ["uu?????"], is: " uuu---" },
  { what: "is quiet in a maintenance", see: ["uummmmmm", "uummmmmm"], is: " uuuuuuu" },
  { what: "begins a run anew behind a maintenance", see: ["uuddmmmddd"], is: " uuuuuuuud" },
  { what: "begins a run anew behind silence", see: ["uudd   dd"], is: " uuu...--" },
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
  Deno.test(`Overview ${what}: ${see.map((letters) => `"${letters}"`).join(" ")}`, () => {
    assertEquals(levelsOf(see, { ...RULES, ...rules }), is);
  });
}
