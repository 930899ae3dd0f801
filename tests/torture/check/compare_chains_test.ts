import { assertEquals } from "@std/assert";
import { compareChains } from "./compare_chains.ts";
import { accountOf, letterOf, resultOf } from "./evidence_fixture.ts";
import { recordToSend } from "../load/ledger.ts";

const CHAIN = [{ fingerprint: "AA", names: ["DNS:a"] }, { fingerprint: "BB", names: [] }];
const SHOWING = resultOf({ tls: { ...resultOf().tls as object, chain: CHAIN } });
const ACCOUNT = accountOf([SHOWING, resultOf()].map(recordToSend));
const STORED = {
  agent: SHOWING.agentUUID,
  url: SHOWING.url,
  firstSeen: SHOWING.ts,
  chain: CHAIN,
};

Deno.test("compareChains() finds nothing where each chain is there once", () => {
  const tables = { chains: [STORED], letters: [] };
  assertEquals(compareChains(tables, ACCOUNT), { lost: [], invented: [] });
});

Deno.test("compareChains() finds one that is missing, other, twice or of nobody", () => {
  const found = (...chains: typeof STORED[]) => {
    const { lost, invented } = compareChains({ chains, letters: [] }, ACCOUNT);
    return [lost.length, invented.length];
  };
  assertEquals(found(), [1, 0]);
  assertEquals(found({ ...STORED, chain: CHAIN.toReversed() }), [1, 1]);
  assertEquals(found({ ...STORED, chain: [CHAIN[0]!, { ...CHAIN[1]!, names: ["DNS:b"] }] }), [
    1,
    1,
  ]);
  assertEquals(found(STORED, STORED), [0, 1]);
  assertEquals(found({ ...STORED, firstSeen: "2026-05-01 10:00:00.123457" }), [0, 1]);
  assertEquals(found(STORED, { ...STORED, url: "https://other.example/" }), [0, 1]);
});

Deno.test("compareChains() wants none of a result that was set aside or has expired", () => {
  const letters = [letterOf(ACCOUNT.records[0]!, "key_taken")];
  assertEquals(compareChains({ chains: [], letters }, ACCOUNT), { lost: [], invented: [] });
  const expired = { before: "2026-05-01 24", rolledUp: 0, counted: 2 };
  const none = { chains: [], letters: [] };
  assertEquals(compareChains(none, ACCOUNT, expired), { lost: [], invented: [] });
});
