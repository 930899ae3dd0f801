/**
 * `deno task test [--all] [FILE ...]`: starts one Kafka and one PostgreSQL for the whole run, runs the
 * tests on them, files side by side, and ends with the slowest ones and the line "N passed, N failed"
 * (and ", N skipped"). The gate runs --all, with the long ones. HTTPMON_TEST_KAFKA and
 * HTTPMON_TEST_DSN, set both, point it at servers that are there already. With --jsr the real JSR
 * packages are used in place of compat/.
 */
import { availableParallelism } from "node:os";
import { startStack } from "../local/stack.ts";
import { writeJsrConfig } from "./jsr_config.ts";

/** Tests that are long: whole programs, built or broken. They are the gate's, and have servers of their own. */
const LONG = [
  "tests/torture",
  "tests/end_to_end/faults_test.ts",
  "tests/container_test.ts",
  "tests/scripts/node_build_test.ts",
  "tests/scripts/npm_package_test.ts",
  "tests/local/demo/demo_test.ts",
];

/** Most tests wait for a server most of the time. */
const JOBS = 2 * availableParallelism();
const SLOWEST = 10;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The counts in the last line that `deno test` prints: "ok | 5 passed | 0 failed (13ms)". */
export function countsOf(output: string): Counts | null {
  // deno-lint-ignore no-control-regex
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  const summary = plain.match(/^(?:ok|FAILED) \| .*$/gm)?.at(-1);
  if (!summary) return null;
  const count = (word: string) => Number(summary.match(new RegExp(`(\\d+) ${word}`))?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("ignored") };
}

/** What the tests need in their environment: servers that are there, or a stack of our own. */
async function startServers(): Promise<{ env: Record<string, string>; stop(): Promise<void> }> {
  if (Deno.env.get("HTTPMON_TEST_KAFKA") && Deno.env.get("HTTPMON_TEST_DSN")) {
    return { env: {}, stop: () => Promise.resolve() };
  }
  const stack = await startStack();
  return {
    env: {
      HTTPMON_TEST_KAFKA: stack.kafka.brokers.join(","),
      HTTPMON_TEST_DSN: stack.postgres.dsn,
    },
    stop: () => stack.stop(),
  };
}

interface Run {
  code: number;
  output: string;
}

async function runTests(args: readonly string[], env: Record<string, string>): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--parallel", ...args],
    env: { DENO_JOBS: Deno.env.get("DENO_JOBS") ?? String(JOBS), ...env },
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stdout) {
    await Deno.stdout.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  return { code: (await child.status).code, output };
}

/** The slowest tests of what `deno test` printed, "1m5s  file: name" each. */
export function slowestOf(output: string, count: number): string[] {
  // deno-lint-ignore no-control-regex
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  const timed = plain.matchAll(/^(\S+) => (.*) \.\.\. \w+ \(((?:(\d+)m)?(?:(\d+)s)?)\)$/gm);
  return [...timed]
    .map(([, file, name, text, minutes, seconds]) => ({
      seconds: 60 * Number(minutes ?? 0) + Number(seconds ?? 0),
      line: `${text!.padStart(6)}  ${file}: ${name}`,
    }))
    .sort((one, other) => other.seconds - one.seconds)
    .slice(0, count)
    .map(({ line }) => line);
}

/** What several runs come to. A run that died without its summary failed, whatever had passed. */
export function totalOf(runs: readonly Run[]): Counts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { code, output } of runs) {
    const counts = countsOf(output) ?? { passed: 0, failed: 1, skipped: 0 };
    total.passed += counts.passed;
    total.failed += code !== 0 ? Math.max(1, counts.failed) : counts.failed;
    total.skipped += counts.skipped;
  }
  return total;
}

if (import.meta.main) {
  const started = performance.now();
  const args = [...Deno.args];
  const take = (name: string) => args.includes(name) && !!args.splice(args.indexOf(name), 1);
  const [all, isJsr] = [take("--all"), take("--jsr")];
  const jsr = isJsr ? await writeJsrConfig() : null;
  if (jsr) args.unshift("--no-lock", `--config=${jsr}`);
  console.log("Starting Kafka and PostgreSQL for the tests");
  const servers = await startServers();
  console.log(`Both are up after ${seconds(started)} s`);
  const files = args.filter((arg) => !arg.startsWith("-"));
  const options = args.filter((arg) => arg.startsWith("-"));
  const runs: Run[] = [];
  try {
    const quick = files.length > 0 ? args : [...options, `--ignore=${LONG.join(",")}`, "tests/"];
    runs.push(await runTests(quick, servers.env));
    if (all) runs.push(await runTests([...options, ...LONG], servers.env));
  } finally {
    if (jsr) await Deno.remove(jsr);
    await servers.stop();
  }
  const slowest = slowestOf(runs.map(({ output }) => output).join(""), SLOWEST);
  console.log(`The slowest of ${seconds(started)} s:\n${slowest.join("\n")}`);
  const { passed, failed, skipped } = totalOf(runs);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
