import { assertEquals } from "@std/assert";
import { judge, type Seen } from "./checker.ts";
import { dailyOf, letterOf, recordOf, resultOf, rowOf } from "./evidence_fixture.ts";
import { recordToSend } from "../load/ledger.ts";
import type { Findings } from "../invariants.ts";
import { timestamp } from "../load/messages.ts";
import { poisonRecords } from "../load/poison.ts";
import type { Tables } from "./tables.ts";

const START = Date.parse("2026-05-01T10:00:00Z");
const CHECK = resultOf({
  agentUUID: "11111111-2222-4333-8444-555555555555",
  ts: timestamp((START + 1_000) * 1000),
  scheduledAt: timestamp((START + 999) * 1000),
});
const GOOD = recordToSend(resultOf());
const LEDGER = [GOOD, ...poisonRecords(1, GOOD.value!, { large: false })];
const RECORDS = [...LEDGER, recordToSend(CHECK)].map((one, offset) => recordOf(one, offset));
const RESULTS = [resultOf(), CHECK];
const TABLES: Tables = {
  daily: RESULTS.map(dailyOf),
  results: RESULTS.map(rowOf),
  chains: [],
  letters: RECORDS.slice(1, -1).map((record) => letterOf(record)),
  nextOffsets: new Map([[0, BigInt(RECORDS.length)]]),
};
const SEEN: Seen = {
  records: RECORDS,
  ends: new Map([[0, BigInt(RECORDS.length)]]),
  observed: { ahead: [], samples: 9, commits: 9, peakMemory: 100 * 2 ** 20, crowding: 1 },
  rollups: { wrong: [], looks: 1 },
  drained: { seconds: 1, fair: 1 },
  healings: [{ seconds: 2, fair: 2 }],
  restored: false,
  topicAnew: false,
  expired: null,
  agent: {
    served: [{ url: CHECK.url, since: START + 1_001, from: START + 1_001, to: START + 1_002 }],
    runs: [{
      startedAt: START,
      readyAt: START,
      endedAt: START + 2_000,
      killed: false,
      waits: [],
    }],
    shiftMs: 0,
  },
  troubles: [],
};
const WELL: Findings = {
  I1: [],
  I2: [],
  I3: [],
  I5: [],
  I6: [],
  I7: [],
  I8: [],
  I9: [],
  I10: [],
  up: [],
};

function findings(seen: Partial<Seen> = {}, tables: Partial<Tables> = {}): Findings {
  const ledger = { sent: LEDGER, acknowledged: LEDGER };
  return judge(ledger, { ...TABLES, ...tables }, { ...SEEN, ...seen }).findings;
}

/** The invariants of which something was found. */
function broken(seen: Partial<Seen>, tables: Partial<Tables> = {}): string[] {
  return Object.entries(findings(seen, tables)).flatMap(([name, found]) =>
    found?.length ? [name] : []
  );
}

Deno.test("judge() finds nothing where all is well", () => {
  assertEquals(findings(), WELL);
  assertEquals(findings({ agent: null }), { ...WELL, I10: null });
});

Deno.test("judge() puts what was found under the invariant that is broken", () => {
  const { daily, results, letters } = TABLES;
  const agent = SEEN.agent!;
  const without = { daily: daily.slice(1), results: results.slice(1) };
  assertEquals(broken({}, without), ["I1"]);
  assertEquals(broken({}, { daily: [...daily, daily[0]!], results: [...results, results[0]!] }), [
    "I2",
  ]);
  assertEquals(broken({ records: RECORDS.slice(0, -1) }), ["I3"]);
  assertEquals(broken({}, { nextOffsets: new Map() }), ["I5"]);
  assertEquals(broken({}, { letters: letters.slice(1) }), ["I6"]);
  assertEquals(broken({ agent: { ...agent, served: [] } }), ["I3"]);
  const twice = { ...agent.served[0]!, since: START + 1_500, from: START + 1_500 };
  assertEquals(broken({ agent: { ...agent, served: [...agent.served, twice] } }), ["I1"]);
  const long = [{ ...agent.runs[0]!, endedAt: START + 9_000 }];
  assertEquals(broken({ agent: { ...agent, runs: long } }), ["I10"]);
  assertEquals(broken({ rollups: { wrong: ["rollup_hourly"], looks: 1 } }), ["I8"]);
  assertEquals(broken({ troubles: ["agent ended with 1"] }), ["up"]);
});

Deno.test("judge() wants each healing and the drain to end within a minute of a fair machine", () => {
  const took = (fair: number) => ({ seconds: 200, fair });
  assertEquals(broken({ healings: [took(1), took(60.5)] }), ["I7"]);
  assertEquals(broken({ healings: [null, took(1)] }), ["I7"]);
  assertEquals(broken({ drained: null }), ["I7"]);
  assertEquals(findings({ healings: [took(60)] }).I7, []);
});

Deno.test("judge() says nothing of memory that it has not seen", () => {
  const memory = (peakMemory: number | null) =>
    findings({ observed: { ...SEEN.observed, peakMemory } }).I9;
  assertEquals(memory(null), null);
  assertEquals(memory(400 * 2 ** 20), []);
  assertEquals(memory(401 * 2 ** 20), ["a process held 401 MiB"]);
});

Deno.test("judge() lets Kafka's commit be ahead where the database was put back", () => {
  const observed = { ...SEEN.observed, ahead: ["0: Kafka 9, stored 1"] };
  assertEquals(broken({ observed }), ["I5"]);
  assertEquals(broken({ observed, restored: true }), []);
  assertEquals(broken({ observed, topicAnew: true }), []);
});
