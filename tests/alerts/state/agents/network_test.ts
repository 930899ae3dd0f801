import { assertEquals } from "@std/assert";
import {
  MINUTE_MS,
  resultsOf,
  RULES,
  START_MS,
  type Story,
  tell,
  toldOf,
  worldOf,
} from "../../play.ts";

/** So many sites, all seen alike. */
function sites(count: number, letters: string | ((site: number) => string)): Story[number] {
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      n + 1,
      typeof letters === "string" ? letters : letters(n + 1),
    ]),
  );
}

Deno.test("Overview opens one incident where an agent loses most sites that others see well", () => {
  const others = sites(10, "u".repeat(14));
  const lost = sites(10, (site) => site <= 8 ? "uuuuddddddduuu" : "u".repeat(14));
  assertEquals(tell([lost, others, others]), [
    "6:00 opened agent_network of agent-0",
    "11:05 resolved agent_network of agent-0",
  ]);
  // Where each agent's word is enough, too.
  assertEquals(tell([lost, others], { world: worldOf({ ...RULES, downWhen: "any" }) }), [
    "6:00 opened agent_network of agent-0",
    "11:05 resolved agent_network of agent-0",
  ]);
});

Deno.test("Overview tells of an agent that has lost its sites, however often it checks them", () => {
  const world = worldOf();
  const others = sites(4, "u".repeat(65));
  const lost = sites(4, "u".repeat(45) + "d".repeat(10) + "u".repeat(10));
  // Each three seconds in the place of each minute; a sign of an agent's life is told each 10 s.
  const toThreeSeconds = (ms: number) => START_MS + Math.floor((ms - START_MS) / 20);
  for (const result of resultsOf([lost, others, others])) {
    const [at, ts] = [toThreeSeconds(result.at), toThreeSeconds(result.ts / 1_000) * 1_000];
    world.read({ ...result, at, ts, intervalMs: 3_000, freshMs: 8_000 });
    world.round();
  }
  assertEquals(toldOf(world), [
    "2:21 opened agent_network of agent-0",
    "2:45 resolved agent_network of agent-0",
  ]);
});

Deno.test("Overview opens each site where others have lost them as well", () => {
  const lost = sites(30, "uuuuddddddduuu");
  const told = tell([lost, lost]);
  assertEquals(told.filter((line) => line.includes("opened down")).length, 30);
  assertEquals(told.filter((line) => line.includes("agent")), []);
});

Deno.test("Overview opens one incident for over 20 sites on 5 hosts that one agent watches", () => {
  const world = worldOf(undefined, (site) => ({ host: `host-${site % 5}` }));
  assertEquals(tell([sites(21, "uuuuddddddduuu")], { world }), [
    "6:00 opened agent_network of agent-0",
    "11:15 resolved agent_network of agent-0",
  ]);
  const [change] = world.changes;
  assertEquals(change?.what === "opened" && [change.severity, change.cause], [
    "critical",
    "it sees 21 of its 21 sites down; nobody else watches them",
  ]);
  // The sites are nobody's meanwhile, and up again without having been down.
  assertEquals(world.level(1), "up");
});

Deno.test("Overview opens each site of few, or of one host", () => {
  const few = tell([sites(20, "uuuuddddddduuu")]);
  assertEquals(few.filter((line) => line.includes("opened down")).length, 20);
  const world = worldOf(undefined, (site) => ({ host: `host-${site % 4}` }));
  const near = tell([sites(30, "uuuuddddddduuu")], { world });
  assertEquals(near.filter((line) => line.includes("opened down")).length, 30);
});

Deno.test("Overview tells an agent that knows of most of its sites that it cannot tell", () => {
  const world = worldOf();
  assertEquals(tell([sites(3, "uuuu????????uuu"), { 4: "u".repeat(15) }], { world }), [
    "6:00 opened agent_network of agent-0",
    "12:02 resolved agent_network of agent-0",
  ]);
  const [change] = world.changes;
  assertEquals(change?.what === "opened" && change.cause, "it cannot tell of 3 of its 3 sites");
});

Deno.test("Overview opens what is still down when an agent is believed again", () => {
  const lost = sites(24, (site) => "uuuuddddddd" + (site === 1 ? "dddddddd" : "uuuuuuuu"));
  assertEquals(tell([lost]), [
    "6:00 opened agent_network of agent-0",
    "11:18 resolved agent_network of agent-0",
    // It had two intervals and the timeout to come up, and one interval for the second result.
    "14:48 opened down of site 1",
  ]);
});

Deno.test("Overview waits with a site of an agent that sees nothing well, for two minutes", () => {
  const rules = { ...RULES, failureThreshold: 1 };
  // One of 24 is lost first, the others within the minute.
  assertEquals(
    tell([sites(24, "uuuudddddddduuu")], { world: worldOf(rules) })[0],
    "4:20 opened agent_network of agent-0",
  );
  // Two of three sites, while nothing is heard of the third one.
  const world = worldOf(rules);
  const told = tell([{ 1: "uuudddddd", 2: "uuudddddd", 3: "uu" }], { world, afterMs: MINUTE_MS });
  assertEquals(told.filter((line) => line.includes("down")), [
    "3:00 opened down of site 1",
    "3:01 opened down of site 2",
  ]);
  const [opened] = world.changes.filter(({ kind }) => kind === "down");
  assertEquals(Math.round((opened!.at - opened!.openedAt / 1_000) / 1_000), 120);
  // Once it sees one well, it is the site.
  const vouched = tell([{ 1: "uuudddddd", 2: "uuuuuuuuu" }], { world: worldOf(rules) });
  assertEquals(vouched, ["3:00 opened down of site 1"]);
});

Deno.test("Overview leaves a site as it is where others blip while an agent starts", () => {
  assertEquals(tell([sites(3, "dd"), sites(3, "uuuuuu")]).filter((l) => l.includes("network")), []);
});

Deno.test("Overview asks no longer whether an agent that fell silent is to be believed", () => {
  const world = worldOf();
  const others = sites(10, "u".repeat(30));
  const told = tell([sites(10, "uuuudddd"), others], { world });
  assertEquals(told, [
    "6:00 opened agent_network of agent-0",
    "9:39 resolved agent_network of agent-0",
    "10:40 opened agent_silent of agent-0",
  ]);
  assertEquals(toldOf(world), told);
});
