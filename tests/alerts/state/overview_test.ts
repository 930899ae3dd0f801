import { assert, assertEquals } from "@std/assert";
import { MINUTE_MS, minutes, play, seen, SITE, tell, toldOf, worldOf } from "../play.ts";

const HOUR_MS = 3_600_000;

Deno.test("Overview says what who saw, from when on", () => {
  const world = worldOf();
  play(minutes(["uuddddduu", "uuuddddduu"]), world);
  const [opened, resolved] = world.changes;
  assert(opened?.what === "opened" && resolved?.what === "resolved");
  assertEquals([opened.kind, opened.severity, opened.subject], ["down", "critical", {
    site: SITE,
  }]);
  assertEquals(opened.openedAt, seen("d", 1, 5).ts);
  assertEquals(
    opened.evidence.map(({ location, since, cause }) => [location, since, cause]),
    [["place-0", seen("d", 0, 2).ts, "d"], ["place-1", seen("d", 1, 3).ts, "d"]],
  );
  assertEquals(resolved.openedAt, opened.openedAt);
  assertEquals(resolved.closedAt, seen("u", 1, 9).ts);
});

Deno.test("Overview opens one incident where an agent falls silent, and none of its sites", () => {
  // Fresh for 150 s, silent after three minutes and half a one, known within 10 s.
  const told = tell([{ 1: "uuuu          uuu", 2: "uuuu          uuu" }]);
  assertEquals(told, [
    "6:40 opened agent_silent of agent-0",
    "14:00 resolved agent_silent of agent-0",
  ]);
});

Deno.test("Overview opens what is observed by nobody although its agents speak", () => {
  const told = tell([{ 1: "uuuuuuuuuuuuu", 2: "uu         uu" }]);
  assertEquals(told, [
    "3:31 opened unobserved of site 2",
    "12:01 resolved unobserved of site 2",
  ]);
});

Deno.test("Overview asks that every agent of a site spoke all the time before it is unobserved", () => {
  // The second agent dies with the site's last result, the first one left the site before.
  const told = tell([{ 1: "uuuuuuuuuuuuuuuu", 2: "uu" }, { 2: "uuuu" }], { afterMs: HOUR_MS });
  assertEquals(told, [
    "6:40 opened agent_silent of agent-1",
    "18:40 opened agent_silent of agent-0",
  ]);
});

Deno.test("Overview gives an agent that comes back the time to see its sites again", () => {
  // A pause of two minutes is no silence yet; the second site comes some seconds later.
  assertEquals(tell([{ 1: "uuuu  uuuu", 2: "uuuu  uuuu" }]), []);
  // After it, the site is checked no more: unobserved once it should have been.
  assertEquals(tell([{ 1: "uuuu         uuuuuuuu", 2: "uuuu" }]), [
    "6:40 opened agent_silent of agent-0",
    "13:00 resolved agent_silent of agent-0",
    "15:30 opened unobserved of site 2",
  ]);
});

Deno.test("Overview keeps what is down open while nobody observes it", () => {
  assertEquals(tell([{ 1: "uudddd", 2: "uuuuuuuuuuuuu" }], { afterMs: MINUTE_MS }), [
    "4:00 opened down of site 1",
  ]);
  assertEquals(tell([{ 1: "uudddd          ddduu", 2: "u".repeat(21) }]), [
    "4:00 opened down of site 1",
    "20:00 resolved down of site 1",
  ]);
});

Deno.test("Overview misses no site that the config has lost, and closes what is open of it", () => {
  const world = worldOf(undefined, () => ({ isExpected: false }));
  assertEquals(tell([{ 1: "uudddd", 2: "uuuuuuuuuuuuu" }], { world }), [
    "4:00 opened down of site 1",
    "7:30 resolved down of site 1",
  ]);
});

Deno.test("Overview forgets with a site that the config does not have what agents saw of it", () => {
  const world = worldOf(undefined, () => ({ isExpected: false }));
  assertEquals(tell([{ 1: "??uuddd", 2: "u  uuuu" }], { world }), ["6:00 opened down of site 1"]);
  // That it is waited for is forgotten, too, where the config has lost it since.
  let isExpected = true;
  const other = worldOf(undefined, (site) => ({ isExpected: site !== 2 || isExpected }));
  tell([{ 1: "uuuu", 2: "uu" }], { world: other });
  isExpected = false;
  other.restart();
  tell([{ 1: "uuuuuuuuu" }], { world: other });
  assertEquals(toldOf(other), []);
});

Deno.test("Overview says nothing of the time in which the topic was out of reach", () => {
  const from = seen("u", 0, 4).at;
  const until = from + 10 * MINUTE_MS;
  const world = worldOf();
  const spells = [{ from, until }];
  const blind = worldOf(undefined, undefined, spells);
  assertEquals(tell([{ 1: "uuuu          uuuu" }], { world: blind }), []);
  assertEquals(tell([{ 1: "uuuu          uuuu" }], { world }).length, 2);
  // An agent that does not come back is silent from then on.
  const gone = worldOf(undefined, undefined, spells);
  assertEquals(tell([{ 1: "uuuu" }], { world: gone, afterMs: HOUR_MS }), [
    "17:40 opened agent_silent of agent-0",
  ]);
});

Deno.test("Overview forgets an agent after a week, and what it alone has seen", () => {
  assertEquals(tell([{ 1: "uuddd" }], { afterMs: 8 * 24 * HOUR_MS }), [
    "4:00 opened down of site 1",
    "7:40 opened agent_silent of agent-0",
    "10084:00 resolved agent_silent of agent-0",
    "10084:00 resolved down of site 1",
  ]);
});

Deno.test("Overview stamps what time decided with that time, whenever it is noticed", () => {
  const [late, soon] = [60 * MINUTE_MS, 1_000].map((stepMs) => {
    const world = worldOf();
    const results = minutes(["uuu"]);
    play(results, world);
    for (let at = results.at(-1)!.at; at < seen("u", 0, 70).at; at += stepMs) {
      world.idle(0, at + stepMs);
      world.round();
    }
    return toldOf(world);
  });
  assertEquals(soon, ["5:40 opened agent_silent of agent-0"]);
  assertEquals(late, soon);
});
