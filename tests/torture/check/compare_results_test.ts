import { assertEquals } from "@std/assert";
import { compareResults } from "./compare_results.ts";
import { accountOf, dailyOf, letterOf, type Message, resultOf, rowOf } from "./evidence_fixture.ts";
import { recordToSend } from "../load/ledger.ts";

const IDENTITY = `${resultOf().ts}|${resultOf().agentUUID}|${resultOf().url}`;

function tablesOf(...results: Message[]) {
  return { daily: results.map(dailyOf), results: results.map(rowOf), letters: [] };
}

Deno.test("compareResults() finds nothing where each result is its row, sent once or twice", () => {
  const sent = [resultOf(), resultOf(), resultOf({ ts: "2026-05-01 10:00:01.000000" })];
  assertEquals(compareResults(tablesOf(sent[0]!, sent[2]!), accountOf(sent.map(recordToSend))), {
    lost: [],
    twice: [],
    invented: [],
  });
});

Deno.test("compareResults() finds a result that is nowhere: acknowledged, or in the topic", () => {
  const one = recordToSend(resultOf());
  const acknowledged = accountOf([one], [one], []);
  const inTopic = accountOf([one], []);
  for (const account of [acknowledged, inTopic]) {
    assertEquals(compareResults(tablesOf(), account).lost, [`lost ${IDENTITY}`]);
  }
  const neither = accountOf([one], [], []);
  assertEquals(compareResults(tablesOf(), neither).lost, []);
});

Deno.test("compareResults() takes a dead letter with the same bytes for a result, no other", () => {
  const account = accountOf([recordToSend(resultOf())]);
  const letter = letterOf(account.records[0]!, "key_taken");
  assertEquals(compareResults({ ...tablesOf(), letters: [letter] }, account).lost, []);
  const other = { ...letter, valueHash: "0".repeat(64) };
  assertEquals(compareResults({ ...tablesOf(), letters: [other] }, account).lost.length, 1);
});

Deno.test("compareResults() finds the loser of a clash that is no dead letter", () => {
  const first = resultOf();
  const second = resultOf({ responseCode: 404, responseTime: 99 });
  const account = accountOf([first, second].map(recordToSend));
  assertEquals(compareResults(tablesOf(first), account), {
    lost: [`lost ${IDENTITY}`],
    twice: [],
    invented: [],
  });
  const letters = [letterOf(account.records[1]!, "key_taken")];
  assertEquals(compareResults({ ...tablesOf(first), letters }, account).lost, []);
});

Deno.test("compareResults() finds a row that is there twice, in either table", () => {
  const account = accountOf([recordToSend(resultOf())]);
  const twice = compareResults(tablesOf(resultOf(), resultOf()), account);
  assertEquals(twice, { lost: [], twice: [`${IDENTITY} 2 times`], invented: [] });
  const one = tablesOf(resultOf());
  const inView = compareResults({ ...one, daily: [...one.daily, ...one.daily] }, account);
  assertEquals(inView.twice, [`${IDENTITY} 2 times`]);
  assertEquals(inView.invented.length, 1);
});

Deno.test("compareResults() finds a row that was not sent", () => {
  const { invented } = compareResults(tablesOf(resultOf()), accountOf([]));
  assertEquals(invented, [IDENTITY]);
});

Deno.test("compareResults() finds a row that one of the tables has alone", () => {
  const account = accountOf([recordToSend(resultOf())]);
  const tables = tablesOf(resultOf());
  for (const half of [{ ...tables, daily: [] }, { ...tables, results: [] }]) {
    const { lost, invented } = compareResults(half, account);
    assertEquals([lost.length, invented.length], [1, 2]);
  }
});

Deno.test("compareResults() takes what a retention has dropped, if it was counted", () => {
  const kept = resultOf();
  const dropped = [1, 2, 3].map((n) => resultOf({ ts: `2026-04-01 10:00:0${n}.000000` }));
  const account = accountOf([kept, ...dropped, dropped[0]!].map(recordToSend));
  const lost = (rolledUp: number, counted: number) => {
    const expired = { before: "2026-04-01 24", rolledUp, counted };
    return compareResults(tablesOf(kept), account, expired).lost;
  };
  assertEquals(lost(2, 1), []);
  assertEquals(lost(2, 2), []); // one was sent twice
  assertEquals(lost(1, 1), ["2 results rolled up or expired, of 3 in 4 records"]);
  assertEquals(lost(2, 3).length, 1);
});

Deno.test("compareResults() compares each field of check_results exactly", () => {
  const account = accountOf([recordToSend(resultOf())]);
  const changes: Partial<Message>[] = [
    { regexResult: null },
    { responseCode: 503 },
    { responseTime: 12.250001 },
    { errorMessage: "Connection refused" },
    { verdict: "degraded" },
    { reason: undefined },
    { errorClass: undefined },
    { scheduledAt: "2026-05-01 10:00:00.120001" },
    { site: undefined },
    { frequency: 61 },
    { slots: undefined },
    { attempts: 1 },
    { firstReason: undefined },
    { loopDelay: undefined },
    { phases: { ...resultOf().phases as object, tls: 3.31 } },
    { bodyBytes: 1235 },
    { bodyTruncated: undefined },
    { remoteAddress: "2001:db8::2" },
    { httpVersion: "2" },
    { redirects: [] },
    { tls: { ...resultOf().tls as object, verified: false } },
    { location: undefined },
    { labels: {} },
    { siteLabels: { group: "shops", more: "" } },
    { maintenance: undefined },
    { evidence: { ...resultOf().evidence as object, body: null } },
  ];
  for (const change of changes) {
    const tables = { ...tablesOf(resultOf()), results: [rowOf(resultOf(change))] };
    assertEquals(compareResults(tables, account), {
      lost: [`lost ${IDENTITY}`],
      twice: [],
      invented: [`${IDENTITY} with other content`],
    }, JSON.stringify(change));
  }
});

Deno.test("compareResults() compares each field of mon_daily, to the millisecond", () => {
  const account = accountOf([recordToSend(resultOf())]);
  const changes = [
    { regexresult: null },
    { responsecode: 503 },
    { responsetime: 13 },
    { responsetime: null },
    { errormessage: "Connection refused" },
  ];
  for (const change of changes) {
    const tables = tablesOf(resultOf());
    const daily = tables.daily.map((row) => ({ ...row, ...change }));
    const { invented } = compareResults({ ...tables, daily }, account);
    assertEquals(invented, [`${IDENTITY} with other content`], JSON.stringify(change));
  }
});
