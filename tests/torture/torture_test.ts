/** A short selection of `deno task torture`, in every run of the tests: under three minutes. */
import { assertEquals, assertThrows } from "@std/assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jobsOf, torture } from "./main.ts";
import { parseOptions } from "./options.ts";
import { failuresOf } from "./report.ts";

const SELECTION = [
  "writer-kill",
  "broker-network/acknowledgements dropped",
  "batch-cut/reply",
  "poison/every kind",
  "agent-kill/acknowledged but not deleted",
  "alerts/killed with a message under way",
  "mutants/offset outside the transaction",
  "mutants/a mark forgotten",
];

Deno.test("torture() finds nothing lost, twice or invented after a selection of faults", async () => {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-torture-test-"));
  const args = ["--scenario", SELECTION.join(","), "--seconds", "6"];
  const options = parseOptions(args);
  const lines: string[] = [];
  const played = await torture(options, folder, (line) => lines.push(line));
  const failures = played.flatMap((round) =>
    failuresOf(round).map((text) => `${round.scenario}/${round.variant}: ${text}`)
  );
  // The logs of a failed round stay, where the failure says.
  if (failures.length > 0) failures.push(`seed ${options.seed}`, `logs in "${folder}"`);
  assertEquals(failures, [], lines.join("\n"));
  assertEquals(played.length, 11);
  await rm(folder, { recursive: true });
});

Deno.test("jobsOf() gives a round the same seed whatever else is selected", () => {
  const seedOf = (...args: string[]) =>
    jobsOf(parseOptions(["--seed", "7", ...args]))
      .find(({ scenario, round }) => scenario.name === "zombie" && round === 1)!.seed;
  assertEquals(seedOf(), seedOf("--scenario", "zombie", "--rounds", "5"));
});

Deno.test("jobsOf() refuses a scenario that is not there", () => {
  assertThrows(
    () => jobsOf(parseOptions(["--scenario", "nonsense"])),
    RangeError,
    'Unknown scenario "nonsense"',
  );
});

Deno.test("parseOptions() names what it does not take", () => {
  assertThrows(() => parseOptions(["--rounds", "0"]), RangeError, 'found "0"');
  assertThrows(() => parseOptions(["--rouns", "1"]), RangeError, '"--rouns"');
});
