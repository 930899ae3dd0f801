import { assert, assertEquals } from "@std/assert";
import {
  hear,
  NEW_VOTES,
  type Observation,
  pass,
  passesAt,
  type SiteVotes,
} from "../../../alerts/state/votes.ts";
import type { AlertEvent } from "../../../alerts/state/view.ts";
import { FRESH_MS, MINUTE_MS, minutes, RULES as ALERT_RULES, seen, SITE } from "../play.ts";

const RULES = { ...ALERT_RULES, isGateway: false, slo: null };

/** What the last of `results` is told of, and the votes behind it. */
function heard(results: readonly Observation[], from: SiteVotes = NEW_VOTES) {
  let votes = from;
  let events: AlertEvent[] = [];
  for (const result of results) ({ votes, events } = hear(votes, result, RULES));
  return { votes, events: events.filter((event) => event.kind === "view") };
}

/** The same result, `by` minutes earlier. */
function at(result: Observation, by: number): Pick<Observation, "ts" | "at"> {
  return { ts: result.ts - by * MINUTE_MS * 1_000, at: result.at - by * MINUTE_MS };
}

Deno.test("hear() counts slots, not results", () => {
  const slow = { ...seen("d", 0, 4), slots: 3 };
  const { events } = heard([...minutes(["uu"]), { ...slow, ...at(slow, 2) }]);
  assertEquals(events.map(({ detail }) => detail?.vote), ["down"]);
});

Deno.test("hear() tells of what changes the vote, of runs that are lost, and of no more", () => {
  const told = minutes(["uuuddduduuu"]).map((_, n, all) => heard(all.slice(0, n + 1)).events);
  assertEquals(
    told.map((events) => events.map(({ detail }) => detail?.vote ?? "-").join()),
    ["-", "up", "", "up", "", "down", "down", "down", "down", "up", ""],
  );
  const [{ detail: view }] = told[5]! as [typeof told[5][0]];
  assertEquals([view!.since, view!.cause], [seen("d", 0, 3).ts, "d"]);
});

Deno.test("hear() takes a result once, and none before the last one of its agent", () => {
  const results = minutes(["uuddd"]);
  const { votes } = heard(results);
  for (const again of results) assert(hear(votes, again, RULES).votes === votes);
  const early = { ...results[4]!, ts: results[3]!.ts + 1 };
  assert(hear(votes, early, RULES).votes === votes);
});

Deno.test("hear() takes no result that comes later than it speaks, or from the future", () => {
  const { votes } = heard(minutes(["uu"]));
  const backlog = ["d", "d", "d"].map((letter, n) => {
    const result = seen(letter, 0, 2 + n);
    return { ...result, at: result.at + FRESH_MS + 3 * MINUTE_MS };
  });
  assert(heard(backlog, votes).votes === votes);
  const ahead = { ...seen("d", 1, 2), ts: seen("d", 1, 5).ts };
  assert(hear(votes, ahead, RULES).votes === votes);
  // Of another partition that is read later: what is known is newer than this.
  const { votes: later } = heard(minutes(["uuuuuuuu"]));
  assert(hear(later, seen("d", 1, 1), RULES).votes === later);
});

Deno.test("pass() ends a vote when it is fresh no more, and says so of that time", () => {
  const { votes } = heard(minutes(["uu", "uuu"]));
  const due = seen("u", 0, 1).at + FRESH_MS;
  assertEquals(passesAt(votes), due);
  assert(pass(SITE, votes, due).votes === votes);
  const passed = pass(SITE, votes, due + 10 * MINUTE_MS);
  assertEquals(
    passed.events,
    [0, 1].map((n) => ({
      kind: "view" as const,
      site: SITE,
      agent: `agent-${n}`,
      at: due + n * (MINUTE_MS + 1),
      ts: (due + n * (MINUTE_MS + 1)) * 1_000,
      detail: null,
    })),
  );
  assertEquals(passesAt(passed.votes), null);
  // Whether it was noticed in time or not.
  const again = seen("u", 0, 30);
  assertEquals(
    [...passed.events, ...hear(passed.votes, again, RULES).events],
    hear(votes, again, RULES).events,
  );
});

Deno.test("pass() has an agent that knows nothing watch no longer than one that is silent", () => {
  const { votes } = heard(minutes(["uu??????"]));
  assertEquals(pass(SITE, votes, seen("u", 0, 8).at).events, []);
  const told = minutes(["uu??????"]).map((_, n, all) => heard(all.slice(0, n + 1)).events).flat();
  assertEquals(
    told.map(({ at, detail }) => [at - seen("u", 0, 0).at, detail!.abstains, detail!.watches]),
    [
      [0, null, true],
      [MINUTE_MS, null, true],
      [2 * MINUTE_MS, "unknown", true],
      [MINUTE_MS + FRESH_MS, "unknown", false],
      // Three of them are as many as three failures.
      [4 * MINUTE_MS, "unknown", false],
    ],
  );
});

Deno.test("hear() tells that a site is well to somebody while another agent has lost it", () => {
  const results = minutes(["uuuuuuuu", "uudddduu"]);
  const told = results.map((_, n) => heard(results.slice(0, n + 1)).events).flat()
    .filter(({ agent }) => agent === "agent-0").map(({ at, detail }) => [at, detail!.wellTs]);
  assertEquals(told.at(-1), [seen("u", 0, 3).at, seen("u", 0, 3).ts]);
  assertEquals(told.length, 3);
});
