import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import process from "node:process";
import { type AgentRun, type Bounds, judge, starvation } from "../../scripts/soak/judge.ts";
import type { SiteServers } from "../../scripts/soak/servers.ts";
import { planSites, type SoakSite } from "../../scripts/soak/sites.ts";
import { largest, median, quantile } from "../../scripts/measure/statistics.ts";
import { Tally } from "../../scripts/soak/tally.ts";
import { usageOf } from "../../scripts/measure/usage.ts";
import { encode } from "../../wire/encode.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";

const SERVERS: SiteServers = {
  fine: 1001,
  hostile: 1002,
  tls: { expired: 1003, selfSigned: 1004, otherName: 1005 },
  ca: "",
};
const START = Date.parse("2026-03-01T12:00:00Z");
const BOUNDS: Bounds = { latenessP99: 250, memoryRatio: 1.1, memorySlack: 0 };

Deno.test("planSites() spreads the hostile sites, which take turns in every case", () => {
  const sites = planSites({ sites: 2_000, hostile: 5, frequency: 60 }, SERVERS, "ca.pem");
  const hostile = sites.filter(({ behaviour }) => behaviour !== "fine");
  assertEquals(hostile.length, 100);
  assertEquals(new Set(sites.map(({ url }) => url)).size, 2_000);
  const behaviours = new Set(hostile.map(({ behaviour }) => behaviour));
  for (const name of ["hang", "gzip-bomb", "header-flood", "no such name", "certificate expired"]) {
    assert(behaviours.has(name), name);
  }
  for (let n = 0; n < 2_000; n += 20) {
    assertEquals(sites.slice(n, n + 20).filter((site) => hostile.includes(site)).length, 1);
  }
  assertEquals(hostile.find(({ behaviour }) => behaviour === "hang")?.expected, {
    verdict: "down",
    reason: "timeout",
    errorClass: "timeout",
    responseCode: null,
    regexResult: null,
    bodyTruncated: false,
  });
  assertEquals(
    hostile.find(({ behaviour }) => behaviour === "status-404")?.expected.reason,
    "status",
  );
});

Deno.test("planSites() gives hostile sites a timeout that ends before their next check", () => {
  const timeouts = (frequency: number) =>
    planSites({ sites: 100, hostile: 100, frequency }, SERVERS, "ca.pem")
      .map(({ settings }) => settings.timeout);
  assertEquals(new Set(timeouts(60)), new Set([4]));
  assertEquals(new Set(timeouts(2)), new Set([1]));
});

/** A fine site without a regex. */
function fineSite(): SoakSite {
  return planSites({ sites: 2, hostile: 0, frequency: 60 }, SERVERS, "")[1]!;
}

/** A right result of that site, `ms` after the start. */
function result(ms: number, changes: Partial<ResultMessage> = {}): ResultMessage {
  const ts = formatTimestamp(BigInt(START + ms) * 1000n);
  return {
    ts,
    agentUUID: "d2f7ad13-1c0b-4b5d-9a40-0d1f1d3c2b11",
    url: fineSite().url,
    regexResult: null,
    responseCode: 200,
    responseTime: 1.5,
    errorMessage: null,
    verdict: "up",
    scheduledAt: ts,
    ...changes,
  };
}

function tallyOf(messages: readonly ResultMessage[]): Tally {
  const tally = new Tally([fineSite()]);
  for (const message of messages) tally.add(new TextEncoder().encode(encode(message)));
  return tally;
}

Deno.test("Tally counts what is sent twice, what is no result and what is of no site", () => {
  const tally = tallyOf([result(0), result(0), result(1, { url: "http://127.0.0.1:1/other" })]);
  tally.add(null);
  tally.add(new TextEncoder().encode("{}"));
  assertEquals([tally.records, tally.duplicates], [5, 1]);
  assertEquals(tally.sites.get(fineSite().url)?.checks, [{ due: START, slots: 1 }]);
  assertEquals([...tally.strange.values()], [1, 1, 1]);
  assertEquals(tally.wrong.size, 0);
});

Deno.test("Tally tells a wrong result by each of its parts", () => {
  const changes: Partial<ResultMessage>[] = [
    { verdict: "down" },
    { reason: "status" },
    { errorClass: "timeout" },
    { responseCode: 500 },
    { regexResult: true },
    { bodyTruncated: true },
  ];
  for (const change of changes) {
    const tally = tallyOf([result(0), result(60_000, change), result(120_000, change)]);
    assertEquals([...tally.wrong.values()], [2], JSON.stringify(change));
    assertMatch([...tally.wrong.keys()][0]!, /^"fine" gave .* instead of up \(reason null, /);
  }
});

/** Four minutes of one site, with nothing wrong. */
const MINUTES = [2_000, 30_000, 90_000, 150_000, 210_000];
const RUN: AgentRun = {
  exitCode: 0,
  startedAt: START,
  stoppedAt: START + 240_000,
  summary: {
    checked: 5,
    published: 5,
    dropped: 0,
    refused: 0,
    waiting: 0,
    expired: 0,
    skipped: 0,
    late: 0,
  },
  complaints: [],
  usage: [100, 300, 200, 200, 200, 200, 220, 220].map((rss) => ({
    rss,
    cpu: 1,
    kernel: 0,
    waited: 0,
  })),
  starved: null,
};

/** Which findings fail, by their number, and their faults. */
function failures(
  run: Partial<AgentRun>,
  messages = MINUTES.map((ms) => result(ms)),
): [number, string[]][] {
  return judge({ ...RUN, ...run }, tallyOf(messages), 60, BOUNDS)
    .flatMap(({ passed, faults }, n): [number, string[]][] => passed ? [] : [[n, faults]]);
}

Deno.test("judge() passes a run with nothing wrong, to the edge of its bounds", () => {
  assertEquals(failures({}), []);
});

Deno.test("judge() fails an agent that ended badly or complained", () => {
  assertEquals(failures({ exitCode: 1 }), [[0, ["It ended with 1"]]]);
  assertEquals(failures({ complaints: ["oops"] }), [[1, ["oops"]]]);
});

Deno.test("judge() fails what is in the topic and was not checked, or the reverse", () => {
  const summary = { ...RUN.summary, checked: 6, dropped: 1 };
  assertEquals(failures({ summary }), [[2, [
    'The agent\'s "checked" is 6, not 5',
    'The agent\'s "dropped" is 1, not 0',
  ]]]);
});

Deno.test("judge() fails a result of the wrong class", () => {
  const messages = MINUTES.map((ms) => result(ms, ms === 90_000 ? { verdict: "down" } : {}));
  assertEquals(failures({}, messages).map(([n]) => n), [3]);
});

Deno.test("judge() fails a schedule with a slot too few, too many, too late or too early", () => {
  const cases: [times: number[], fault: RegExp][] = [
    [[], /was never checked$/],
    [[30_000, 90_000, 150_000, 210_000], /was first checked 30\.00 s after the start$/],
    [[2_000, 30_000, 90_000, 150_000], /was last checked 90\.00 s before the stop$/],
    [
      [2_000, 30_000, 90_000, 210_000],
      /has 120\.00 s between two checks, of which one has 1 slots$/,
    ],
    [[2_000, 62_500, 122_500, 182_500], /has 60\.50 s between two checks, /],
    [[2_000, 30_000, 90_000, 120_000, 150_000, 210_000], /has 30\.00 s between two checks, /],
  ];
  for (const [times, fault] of cases) {
    const summary = { ...RUN.summary, checked: times.length, published: times.length };
    const found = failures({ summary }, times.map((ms) => result(ms)))
      .find(([n]) => n === 4)?.[1] ?? [];
    assertEquals(found.length, 1, times.join());
    assertMatch(found[0]!, fault);
  }
});

Deno.test("judge() counts the due times that passed while a check was under way", () => {
  const messages = [2_000, 30_000, 150_000, 210_000]
    .map((ms) => result(ms, ms === 30_000 ? { slots: 2 } : {}));
  const summary = { ...RUN.summary, checked: 4, published: 4 };
  assertEquals(failures({ summary: { ...summary, skipped: 1 } }, messages), []);
  assertEquals(failures({ summary }, messages), [[4, ['The agent\'s "skipped" is 0, not 1']]]);
  const tooMany = messages.map((message) => ({ ...message, slots: 2 }));
  assertEquals(failures({ summary: { ...summary, skipped: 4 } }, tooMany)[0]![1].length, 1);
});

Deno.test("judge() fails checks that begin late", () => {
  const messages = MINUTES.map((ms) =>
    result(ms + 300, { scheduledAt: formatTimestamp(BigInt(START + ms) * 1000n) })
  );
  assertEquals(failures({}, messages), [[5, ["p99 is to be at most 250 ms"]]]);
});

Deno.test("judge() says of what fails, and starvation() of whom, that the machine was too busy", () => {
  const waited = { "the agent": 15, "the fine sites": 15.1, "the hostile sites": 60 };
  const starved = starvation(waited, 100);
  assertEquals(
    starved,
    "Run it again on a quiet machine: of 100 s, the fine sites stood in line for a core for 15 s, " +
      "the hostile sites stood in line for a core for 60 s",
  );
  assertEquals(starvation(waited, 400), null);
  assertEquals(failures({ starved }), []);
  assertEquals(failures({ starved, exitCode: 1 }), [[0, ["It ended with 1", starved]]]);
});

Deno.test("judge() fails memory that grows in the second half", () => {
  const usage = RUN.usage.map((sample, n) => n < 6 ? sample : { ...sample, rss: 221 * 1_048_576 });
  const mebibytes = usage.map((sample, n) => n < 6 ? { ...sample, rss: 200 * 1_048_576 } : sample);
  assertEquals(failures({ usage: mebibytes }), [[6, ["The last is to be at most 220 MiB"]]]);
});

Deno.test("quantile(), median() and largest() of no, one and many values", () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
  assertEquals([quantile(hundred, 0.99), median(hundred), largest(hundred)], [100, 51, 100]);
  assertEquals([quantile([7], 0.99), quantile([7], 0), median([])], [7, 7, NaN]);
});

Deno.test({
  name: "usageOf() tells memory, CPU time and waiting of a process",
  ignore: process.platform !== "linux",
  fn() {
    const usage = usageOf(process.pid);
    const { user, system } = process.cpuUsage();
    assertLess(Math.abs(usage.rss / process.memoryUsage().rss - 1), 0.2);
    assertLess(Math.abs(usage.cpu - (user + system) / 1e6), 0.2);
    assert(usage.waited >= 0);
  },
});

Deno.test("soak.ts refuses what it cannot do, and says how it is used", async () => {
  const script = new URL("../../scripts/soak.ts", import.meta.url).pathname;
  for (const args of [["--sites", "many"], ["--minutes", "0"], ["--hostile", "101"], ["x"]]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, ...args],
    }).output();
    assertEquals(code, 2, args.join(" "));
    assertMatch(new TextDecoder().decode(stderr), /^Usage: deno task soak/);
  }
});
