import { assert, assertEquals } from "@std/assert";
import { burnOf, miss, type Missed, unmiss } from "../../../../alerts/state/sites/objective.ts";
import { seeded } from "../../../../scripts/simulate/seeded.ts";
import { MINUTE_MS, RULES, START_MS, tell, worldOf } from "../../play.ts";

const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

Deno.test("miss() counts exactly, the older the coarser, for three days", () => {
  let missed: Missed = [];
  for (let minute = 0; minute < 4 * 24 * 60; minute++) {
    missed = miss(missed, START_MS + minute * MINUTE_MS, 1);
  }
  const now = START_MS + (4 * 24 * 60 - 1) * MINUTE_MS;
  assert(missed.length < 220, String(missed.length));
  for (
    const [ms, grainMs] of [[HOUR_MS, MINUTE_MS], [6 * HOUR_MS, HOUR_MS], [3 * DAY_MS, HOUR_MS]]
  ) {
    const found = missed.filter(([start]) => start > now - ms!).reduce((sum, [, n]) => sum + n, 0);
    assert(Math.abs(found - ms! / MINUTE_MS) <= grainMs! / MINUTE_MS, `${ms} ${found}`);
  }
});

Deno.test("unmiss() takes the newest back, and no more than there are", () => {
  const missed = [1, 2, 3].reduce<Missed>(
    (missed, minute) => miss(missed, START_MS + minute * MINUTE_MS, 2),
    [],
  );
  assertEquals(unmiss(missed, 3).map(([, slots]) => slots), [2, 1]);
  assertEquals(unmiss(missed, 99), []);
});

Deno.test("burnOf() asks both windows, and the third missed due time", () => {
  const at = START_MS + DAY_MS;
  const missedAt = (...minutesAgo: number[]) =>
    minutesAgo.reduce<Missed>((missed, ago) => miss(missed, at - ago * MINUTE_MS, 1), []);
  const fast = (missed: Missed, dueMs = [MINUTE_MS]) => burnOf("slo_fast", missed, at, dueMs, 99.9);
  // Of 60 due times, three are 5 %, 50 times what 0.1 % allow.
  assertEquals(fast(missedAt(40, 20, 1))?.hours, 1);
  assertEquals(Math.round(fast(missedAt(40, 20, 1))!.burn), 50);
  assertEquals(fast(missedAt(20, 1)), null);
  // None in the last five minutes, so it is over; the longer windows still burn.
  assertEquals(fast(missedAt(40, 20, 10))?.hours, 6);
  assertEquals(fast(missedAt(58, 57, 55)), null);
  // Three agents that saw the same minute are one due time.
  const twice = miss(miss(missedAt(1), at - MINUTE_MS, 2), at, 0);
  assertEquals(fast(twice, [MINUTE_MS, MINUTE_MS, MINUTE_MS]), null);
  const slow = (missed: Missed) => burnOf("slo_slow", missed, at, [MINUTE_MS], 99.9)?.hours;
  assertEquals(slow(missedAt(1_200, 900, 600, 300, 60)), 24);
  assertEquals(slow(missedAt(1_200, 900, 60)), undefined);
});

Deno.test("burnOf() pages 2.3 times a site-month at 0.1 % random failures, where one missed were 42.7", () => {
  const months = 150;
  const pages = (leastMissed: number) => {
    const random = seeded(7);
    let [pages, isOpen, missed] = [0, false, [] as Missed];
    for (let minute = 0; minute < months * 30 * 24 * 60; minute++) {
      const at = START_MS + minute * MINUTE_MS;
      const isMissed = random() < 0.001;
      if (isMissed) missed = miss(missed, at, 1);
      if (!isMissed && !isOpen) continue;
      const isBurning = burnOf("slo_fast", missed, at, [MINUTE_MS], 99.9, leastMissed) !== null;
      if (isBurning && !isOpen) pages++;
      isOpen = isBurning;
    }
    return pages / months;
  };
  const [one, three] = [pages(1), pages(3)];
  // The standard error of 150 months is 0.5 and 0.13.
  assert(Math.abs(one - 42.7) < 1.7, String(one));
  assert(Math.abs(three - 2.3) < 0.5, String(three));
});

const SLO = () => ({ slo: 99.9 });
const BLIPS = "uuuuuuuuuu".repeat(3) + "d" + "uuuuuuuuu".repeat(2) + "d" + "uuuu" + "d";

Deno.test("Overview opens what burns the budget of an objective, and closes it when it does no more", () => {
  const world = worldOf(undefined, SLO);
  const told = tell([{ 1: BLIPS + "u".repeat(40) }], { world });
  assertEquals(told, ["54:00 opened slo_fast of site 1", "84:00 resolved slo_fast of site 1"]);
  const [opened] = world.changes;
  assertEquals(opened?.what === "opened" && [opened.severity, opened.cause], [
    "critical",
    "50 times as often as 99.9 % allows, over an hour",
  ]);
  assertEquals(tell([{ 1: BLIPS + "u".repeat(40) }]), []);
});

Deno.test("Overview opens no objective beside a site that is down, or what it depends on", () => {
  const down = "u".repeat(30) + "d".repeat(20) + "u".repeat(90);
  assertEquals(
    tell([{ 1: down, 2: "u".repeat(140) }], { world: worldOf(undefined, SLO) }),
    ["32:00 opened down of site 1", "51:00 resolved down of site 1"],
  );
  const depends = worldOf(
    { ...RULES, failureThreshold: 4 },
    (site) => site === 1 ? { children: [2] } : { parents: [1], slo: 99.9 },
  );
  const story = [{ 1: "u".repeat(30) + "d".repeat(30), 2: "u".repeat(32) + "dddu".repeat(7) }];
  assertEquals(tell(story, { world: depends }), ["33:00 opened down of site 1"]);
});

Deno.test("Overview charges no site with what its agent alone has seen", () => {
  const lost = "u".repeat(30) + "d".repeat(10) + "u".repeat(60);
  const well = "u".repeat(100);
  const sites = (letters: string) =>
    Object.fromEntries(Array.from({ length: 6 }, (_, n) => [n + 1, letters]));
  const told = tell([sites(lost), sites(well), sites(well)], { world: worldOf(undefined, SLO) });
  assertEquals(told, [
    "32:00 opened agent_network of agent-0",
    "40:04 resolved agent_network of agent-0",
  ]);
});

Deno.test("Overview tells of an objective that waits for its agent when the site waits no more", () => {
  // The second agent's maintenance ends the site's own wait, with the first one's failure at its start.
  const well = "u".repeat(30);
  const story = [
    "dddd             uuuuuuduuuuuu",
    "dddddddduuuuuuuuuddddddmuuuuuu",
    "ddddddduuuuuuuuuuuuuuuuuuuuuuu",
  ].map((letters) => ({ 1: well, 2: well, 3: letters, 4: well }));
  const rules = { failureThreshold: 1, successThreshold: 1, downWhen: 2 };
  const world = worldOf(rules, (site) => ({ slo: site === 3 ? 99 : null }));
  const told = tell(story, { world }).filter((line) => line.includes("slo_fast"));
  assertEquals(told, [
    "24:00 opened slo_fast of site 3",
    "26:00 resolved slo_fast of site 3",
  ]);
});
