/**
 * `deno task soak [--sites N] [--minutes N] [--hostile PERCENT]`: an agent checks many sites, some of
 * them hostile, on a real Kafka. Is it on schedule, is its memory flat, has each result the right
 * class? Ends with the line "N passed, N failed". docs/soak.md says what is looked at.
 */
import { parseArgs } from "@std/cli/parse-args";
import process from "node:process";
import { runSoak } from "./soak/run.ts";

const USAGE = `Usage: deno task soak [--sites N] [--minutes N] [--hostile PERCENT]

  --sites N          how many sites the agent checks (10000)
  --minutes N        how long (10)
  --hostile PERCENT  how many of the sites misbehave (5)
`;

const FREQUENCY_S = 60;

const BOUNDS = { latenessP99: 250, memoryRatio: 1.1, memorySlack: 8 * 1_048_576 };

async function main(): Promise<number> {
  const args = parseArgs(process.argv.slice(2), {
    string: ["sites", "minutes", "hostile"],
    boolean: ["help"],
    alias: { help: "h" },
  });
  const sites = Number(args.sites ?? 10_000);
  const minutes = Number(args.minutes ?? 10);
  const hostile = Number(args.hostile ?? 5);
  const valid = Number.isInteger(sites) && sites >= 1 && minutes > 0 && hostile >= 0 &&
    hostile <= 100 && args._.length === 0;
  if (args.help || !valid) {
    (args.help ? console.log : console.error)(USAGE);
    return args.help ? 0 : 2;
  }
  const findings = await runSoak({
    sites,
    seconds: Math.round(minutes * 60),
    hostile,
    frequency: FREQUENCY_S,
    bounds: BOUNDS,
    print: (line) => console.log(line),
  });
  for (const { passed, text, faults } of findings) {
    console.log(`${passed ? "ok    " : "FAILED"} ${text}`);
    for (const fault of faults) console.log(`         ${fault}`);
  }
  const failed = findings.filter(({ passed }) => !passed).length;
  console.log(`${findings.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
