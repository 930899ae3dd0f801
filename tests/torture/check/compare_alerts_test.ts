import { assertEquals } from "@std/assert";
import type { Taken } from "../seen/alerting.ts";
import {
  compareAgain,
  compareAlerts,
  compareOutages,
  compareTellings,
  type Incident,
} from "./compare_alerts.ts";

const START = Date.parse("2026-05-01T10:00:00Z");
const [SITE, OTHER, FOREIGN] = ["http://a/0", "http://a/1", "http://elsewhere/"];
const SITES = [SITE, OTHER];
const AT = (seconds: number) =>
  new Date(START + seconds * 1_000).toISOString().replace("Z", "000Z");
const OUTAGES = [{ url: SITE, from: START, to: START + 60_000 }];
const INCIDENT: Incident = {
  url: SITE,
  agent: null,
  kind: "down",
  openedAt: AT(3),
  closedAt: AT(62),
  content: "critical status 503",
};
const OF_OTHER = { ...INCIDENT, url: OTHER };

/** "id event": "+" behind it: it says the opening, too. */
function taken(told: readonly string[], incidents = [INCIDENT], channel = "calm"): Taken {
  const messages = told.map((text) => {
    const [id, event] = text.replace("+", "").split(" ") as [string, "opened"];
    const all = incidents.map(({ url, kind, openedAt }) => ({ url, site: url, kind, openedAt }));
    const notice = {
      event,
      ...text.endsWith("+") && { includesOpening: true },
      incident: all[0],
      incidents: all,
    };
    return { id, notice: notice as unknown as Taken["messages"][number]["notice"] };
  });
  return { channel, messages, isOfSites: channel === "calm", unsigned: [] };
}

Deno.test("compareOutages() wants one incident an outage, and no other of the agent and its sites", () => {
  const found = (...incidents: Incident[]) =>
    compareOutages(incidents, { outages: OUTAGES, sites: SITES }).length;
  assertEquals(found(INCIDENT), 0);
  assertEquals(found(INCIDENT, { ...INCIDENT, url: FOREIGN }), 0);
  assertEquals(found(), 1, "none");
  assertEquals(found(INCIDENT, { ...INCIDENT, openedAt: AT(9) }), 1, "two");
  assertEquals(found(INCIDENT, OF_OTHER), 1, "of one that was up");
  assertEquals(found(INCIDENT, { ...INCIDENT, kind: "unobserved" }), 1, "of another kind");
  assertEquals(found(INCIDENT, { ...INCIDENT, url: null, agent: "x" }), 1, "of the agent");
  assertEquals(found({ ...INCIDENT, closedAt: null }), 2, "open still");
  assertEquals(found({ ...INCIDENT, closedAt: AT(40) }), 2, "over before the outage");
  assertEquals(found({ ...INCIDENT, openedAt: AT(-20) }), 2, "before it");
  assertEquals(found({ ...INCIDENT, openedAt: AT(61) }), 2, "after it");
  const goesOn = { outages: [{ ...OUTAGES[0]!, to: null }], sites: SITES };
  assertEquals(compareOutages([{ ...INCIDENT, closedAt: null }], goesOn), []);
  assertEquals(compareOutages([INCIDENT], goesOn).length, 2, "over before its end");
});

Deno.test("compareTellings() counts ids, and looks at their order", () => {
  const found = (told: Taken, incidents = [INCIDENT]) =>
    compareTellings(incidents, { taken: [told], sites: SITES });
  assertEquals(found(taken(["1 opened", "2 resolved"])), []);
  assertEquals(found(taken(["1 opened", "1 opened", "2 resolved", "1 opened"])), []);
  assertEquals(found(taken(["2 resolved+"])), []);
  assertEquals(found(taken(["1 opened", "2 resolved+"])), []);
  for (
    const told of [
      ["1 opened", "3 opened", "2 resolved"],
      ["1 opened", "2 resolved", "3 resolved"],
      ["2 resolved", "1 opened"],
      ["2 resolved"],
      ["1 opened"],
      ["2 resolved+", "1 opened"],
      [],
      ["1 opened", "1 resolved", "2 resolved"],
    ]
  ) assertEquals(found(taken(told)).length > 0, true, told.join(", "));
  assertEquals(found(taken(["1 opened"]), [{ ...INCIDENT, closedAt: null }]), []);
  assertEquals(found(taken(["1 opened", "2 resolved"]), []).length, 2, "told of none that is");
  const both = [INCIDENT, OF_OTHER];
  assertEquals(found(taken(["1 opened", "2 resolved"], both), both), []);
  assertEquals(found(taken(["1 opened", "2 resolved"]), both).length, 1, "of one of two");
  const [one, two] = [taken(["1 opened"]).messages, taken(["1 opened"], both).messages];
  const open = both.map((incident) => ({ ...incident, closedAt: null }));
  assertEquals(found({ ...taken([]), messages: [...two, ...one] }, open), []);
  assertEquals(found({ ...taken([]), messages: [...one, ...two] }, open).length, 2, "more, again");
  assertEquals(found({ ...taken(["1 opened", "2 resolved"]), unsigned: ["x"] }).length, 1);
  assertEquals(found(taken([], [], "others")), [], "who is told of others only");
});

Deno.test("compareAgain() compares all that both have decided", () => {
  const found = (first: Incident[], second: Incident[], until = START + 120_000) =>
    compareAgain(first, second, { until, sites: SITES }).length;
  assertEquals(found([INCIDENT], [INCIDENT]), 0);
  assertEquals(found([INCIDENT], []), 1);
  assertEquals(found([], [INCIDENT]), 1);
  assertEquals(found([INCIDENT], [{ ...INCIDENT, closedAt: AT(63) }]), 2);
  assertEquals(found([INCIDENT], [{ ...INCIDENT, content: "critical status 500" }]), 2);
  assertEquals(found([INCIDENT], [{ ...INCIDENT, closedAt: null }], START + 30_000), 0, "later");
  const foreign = { ...INCIDENT, url: FOREIGN };
  assertEquals(found([foreign], []), 1);
  assertEquals(found([foreign], [], START + 10_000), 0, "may have been held up");
});

Deno.test("compareAlerts() wants all told within a minute of a fair machine", () => {
  const late = (fair: number | null) =>
    compareAlerts([], [], {
      outages: [],
      taken: [],
      sites: [],
      until: 0,
      againDsn: "",
      tellings: [{ seconds: 1, fair: 1 }, fair === null ? null : { seconds: 200, fair }],
    }).I13!.length;
  assertEquals([late(60), late(60.5), late(null)], [0, 1, 1]);
});
