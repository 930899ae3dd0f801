import { assertEquals, assertMatch } from "@std/assert";
import { runSoak } from "../../scripts/soak/run.ts";
import { kafkaForTests } from "../support/stack.ts";

/** It is too busy to let the agent run, and the soak says so. */
const OF_MACHINE = /"The agent stood still|^Run it again on a quiet machine/;

Deno.test("runSoak() finds nothing wrong with an agent of 100 sites, half of them hostile", async () => {
  const lines: string[] = [];
  const findings = await runSoak({
    sites: 100,
    hostile: 50,
    frequency: 10,
    seconds: 25,
    // Other tests run beside it: it says nothing of the speed, and so short a run nothing of the memory.
    bounds: { latenessP99: Infinity, memoryRatio: 10, memorySlack: 0 },
    brokers: (await kafkaForTests()).brokers,
    print: (line) => lines.push(line),
  });
  const faults = findings.flatMap(({ faults }) => faults);
  assertEquals(faults.filter((fault) => !OF_MACHINE.test(fault)), []);
  assertEquals(findings.length, 7);
  assertMatch(lines[0]!, /^100 sites, 50 of them hostile, every 10 s for 25 s$/);
});
