import { assertEquals, assertMatch } from "@std/assert";
import { runSoak } from "../../scripts/soak/run.ts";
import { kafkaForTests } from "../support/stack.ts";

Deno.test("runSoak() finds nothing wrong with an agent of 200 sites, half of them hostile", async () => {
  const lines: string[] = [];
  const findings = await runSoak({
    sites: 200,
    hostile: 50,
    frequency: 6,
    seconds: 15,
    // Other tests run beside it, and so short a run says nothing of the memory.
    bounds: { latenessP99: 2_000, memoryRatio: 10, memorySlack: 0 },
    brokers: (await kafkaForTests()).brokers,
    print: (line) => lines.push(line),
  });
  assertEquals(findings.flatMap(({ faults }) => faults), []);
  assertEquals(findings.every(({ passed }) => passed), true);
  assertEquals(findings.length, 7);
  assertMatch(lines[0]!, /^200 sites, 100 of them hostile, every 6 s for 15 s$/);
});
