/**
 * `deno task torture`: faults of every kind under load, on a real Kafka and a real PostgreSQL, with
 * the product's own processes. docs/reliability.md says what each scenario proves.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Scenario, SCENARIOS } from "./catalogue.ts";
import { type Lane, startLane } from "./lane.ts";
import { type Options, parseOptions } from "./options.ts";
import { runRound } from "./play.ts";
import { failuresOf, type Played, table } from "./report.ts";
import type { Variant } from "./product/variant.ts";

/** Of load that a mutant gets at most: it shows soon, or never. */
const MUTANT_S = 10;

interface Job {
  scenario: Scenario;
  variant: Variant;
  round: number;
  seed: number;
}

/** The rounds that the options ask for, each with a seed of its own. */
export function jobsOf(options: Options): Job[] {
  const { scenarios: wanted } = options;
  const known = SCENARIOS.flatMap(({ name, variants }) => [
    name,
    ...variants.map((variant) => `${name}/${variant.name}`),
  ]);
  for (const name of wanted) {
    if (!known.includes(name)) {
      throw new RangeError(`Unknown scenario "${name}"; it is one of ${known.join(", ")}`);
    }
  }
  const isWanted = (...names: string[]) =>
    wanted.length === 0 || names.some((name) => wanted.includes(name));
  const jobs: Job[] = [];
  for (const scenario of SCENARIOS) {
    const rounds = options.rounds === "full" ? scenario.rounds : options.rounds;
    for (const variant of scenario.variants) {
      if (!isWanted(scenario.name, `${scenario.name}/${variant.name}`)) continue;
      for (let round = 1; round <= rounds; round++) {
        // From what it is, not from its place: the same with any selection of scenarios.
        const name = `${scenario.name}/${variant.name}/${round}`;
        jobs.push({ scenario, variant, round, seed: hash(`${options.seed} ${name}`) });
      }
    }
  }
  return jobs;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) {
    value = Math.imul(value ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  }
  return value;
}

/** Plays all rounds on `options.lanes` stacks; artefacts of failed ones stay in `folder`. */
export async function torture(
  options: Options,
  folder: string,
  print: (line: string) => void,
): Promise<Played[]> {
  const jobs = jobsOf(options);
  const played = jobs.map(({ scenario, variant }): Played => ({
    scenario: scenario.name,
    variant: variant.name,
    result: null,
    skipped: null,
    mustBreak: variant.mutant?.mustBreak ?? null,
  }));
  // What takes long first, so that no lane is left with it at the end.
  const lasts = (index: number) => jobs[index]!.variant.lasts ?? 0;
  const left = [...jobs.keys()].sort((a, b) => lasts(b) - lasts(a));
  const start = performance.now();
  const clock = () => `${Math.round((performance.now() - start) / 1000)} s`.padStart(6);
  async function work(): Promise<void> {
    let lane: Lane | null = null;
    try {
      while (left.length > 0) {
        const index = left.shift()!;
        const [{ scenario, variant, round, seed }, one] = [jobs[index]!, played[index]!];
        const title = `${scenario.name}/${variant.name} round ${round} (seed ${seed})`;
        one.skipped = await variant.skip?.() ?? null;
        if (one.skipped !== null) {
          print(`${clock()}  skipped ${title}: ${one.skipped}`);
          continue;
        }
        const name = `${scenario.name} ${variant.name} ${round}`.replace(/\W+/g, "-");
        const place = join(folder, name);
        try {
          // Again, as somebody may have taken a port between the choice and the use of it.
          lane ??= await startLane().catch(() => startLane());
          const seconds = Math.min(options.seconds, variant.mutant ? MUTANT_S : Infinity);
          one.result = await runRound(lane, variant, { name, folder: place, seconds, seed });
        } catch (error) {
          one.result = { findings: {}, notes: [], error: (error as Error).message };
        }
        const failures = failuresOf(one);
        const notes = one.result.notes.join(", ");
        print(`${clock()}  ${failures.length === 0 ? "passed" : "FAILED"}  ${title}: ${notes}`);
        for (const failure of failures) print(`          ${failure}`);
        if (failures.length === 0) await rm(place, { recursive: true, force: true });
        if (one.result.error !== null) {
          // Whatever went wrong may have left the servers in any state.
          await lane?.stop().catch((error) =>
            print(`${clock()}  stopping a lane failed: ${error}`)
          );
          lane = null;
        }
      }
    } finally {
      await lane?.stop();
    }
  }
  await Promise.all(Array.from({ length: options.lanes }, work));
  return played;
}

if (import.meta.main) {
  let options: Options;
  try {
    options = parseOptions(Deno.args);
    jobsOf(options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
  const folder = await mkdtemp(join(tmpdir(), "httpmon-torture-"));
  const count = jobsOf(options).length;
  console.log(`Seed ${options.seed}, ${count} rounds, ${options.seconds} s of load in each`);
  const played = await torture(options, folder, (line) => console.log(line));
  const failed = played.filter((round) => failuresOf(round).length > 0).length;
  const skipped = played.filter((round) => round.skipped !== null).length;
  console.log(`\n${table(played)}\n\nSeed ${options.seed}`);
  if (failed > 0) console.log(`Logs and ledgers of the failed rounds are in "${folder}"`);
  else await rm(folder, { recursive: true, force: true });
  const passed = played.length - failed - skipped;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
}
