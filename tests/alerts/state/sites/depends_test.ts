import { assertEquals } from "@std/assert";
import { MINUTE_MS, RULES, type Story, tell, worldOf } from "../../play.ts";

/** Site 1 is what sites 2 and 3 depend on. */
function worldWithGateway(rules = RULES) {
  return worldOf(rules, (site) => site === 1 ? { children: [2, 3] } : { parents: [1] });
}

/** An agent's letters of site 1, 2 and 3, and so many others that are well. */
function story(...letters: string[]): Story {
  const [first] = letters;
  const all = [...letters, "u".repeat(first!.length)];
  return [Object.fromEntries(all.map((one, n) => [n + 1, one]))];
}

Deno.test("Overview opens nothing of what depends on a site that is down", () => {
  const world = worldWithGateway();
  const told = tell(
    story("uuuuddddddduuuuuuu", "uuudddddddddduuuuu", "uuuuddddddduuuuuuu"),
    { world },
  );
  assertEquals(told, ["6:00 opened down of site 1", "12:00 resolved down of site 1"]);
  assertEquals(world.changes.length, 2);
  assertEquals(world.level(2), "up");
});

Deno.test("Overview waits with a dependant until what it depends on has its next result", () => {
  // The dependant fails first: the gateway's check that follows says that it is well.
  const world = worldWithGateway({ ...RULES, failureThreshold: 1 });
  assertEquals(
    tell(story("uuuuuuu", "uuuudduu", "uuuuuuu"), { world })[0],
    "4:01 opened down of site 2",
  );
  assertEquals(Math.round((world.changes[0]!.at - world.changes[0]!.openedAt / 1_000) / 1_000), 59);
  // Or that it is not, and three of them that it is down.
  assertEquals(tell(story("uuuuuddd", "uuuddddd", "uuuuuuuu"), { world: worldWithGateway() }), [
    "7:00 opened down of site 1",
  ]);
  // Where it has none, nothing waits longer than for its interval and the timeout.
  const silent = worldWithGateway();
  const told = tell(story("uuuuu   ", "uuuddddd", "uuuuuuuu"), { world: silent });
  assertEquals(told.filter((line) => line.includes("down")), ["5:01 opened down of site 2"]);
  const [opened] = silent.changes.filter(({ kind }) => kind === "down");
  assertEquals(opened!.at - opened!.openedAt / 1_000 <= 1.5 * MINUTE_MS + 1, true);
});

Deno.test("Overview opens a dependant at once where its gateway was well since it failed", () => {
  const world = worldWithGateway();
  assertEquals(tell(story("uuuuuuuu", "uuuddddd", "uuuuuuuu"), { world }), [
    "5:01 opened down of site 2",
  ]);
  const [opened] = world.changes;
  assertEquals(opened!.at - opened!.openedAt / 1_000, 20);
});

Deno.test("Overview resolves what was open as ever, and opens what stays down", () => {
  const told = tell(
    story(
      "uuuuuuuuddddddduuuuuuuuu",
      "uuuddddddduuuuuuuuuuuuuu",
      "uuuuuuuudddddddddddddddd",
    ),
    { world: worldWithGateway() },
  );
  assertEquals(told, [
    "5:01 opened down of site 2",
    "10:00 opened down of site 1",
    "11:01 resolved down of site 2",
    "16:00 resolved down of site 1",
    // 150 s and a minute behind.
    "19:30 opened down of site 3",
  ]);
});

Deno.test("Overview excuses what depends on a site that is excused", () => {
  const world = worldOf(RULES, (site) => ({
    parents: site === 1 ? [] : [site - 1],
    children: site === 3 ? [] : [site + 1],
  }));
  const told = tell([{ 1: "uuuuddddduuuuu", 2: "uuuuddddduuuuu", 3: "uuuuddddduuuuu" }], { world });
  assertEquals(told, ["6:00 opened down of site 1", "10:00 resolved down of site 1"]);
});
