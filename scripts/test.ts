/**
 * `deno task test [FILE ...]`: starts one Kafka and one PostgreSQL for the whole run, runs the tests
 * on them, and ends with the line "N passed, N failed" (and ", N skipped"). HTTPMON_TEST_KAFKA and
 * HTTPMON_TEST_DSN, set both, point it at servers that are there already. With
 * --jsr the real JSR packages are used in place of compat/.
 */
import { startStack } from "../local/stack.ts";
import { writeJsrConfig } from "./jsr_config.ts";

/** Tests with servers of their own that mostly wait for time to pass: they run beside the others. */
const BESIDE = "tests/torture";

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

async function runTests(
  args: readonly string[],
  env: Record<string, string>,
  print: (chunk: Uint8Array) => Promise<unknown>,
): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...args],
    env,
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stdout) {
    await print(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  return { code: (await child.status).code, output };
}

/** All tests, in two processes: what one of them prints comes when it is done. */
async function runAll(options: readonly string[], env: Record<string, string>): Promise<Run[]> {
  const kept: Uint8Array[] = [];
  const beside = runTests([...options, BESIDE], {}, (chunk) => Promise.resolve(kept.push(chunk)));
  const main = await runTests(
    [...options, `--ignore=${BESIDE}`, "tests/"],
    env,
    (chunk) => Deno.stdout.write(chunk),
  );
  const second = await beside;
  for (const chunk of kept) await Deno.stdout.write(chunk);
  return [main, second];
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
  const jsr = args.indexOf("--jsr") < 0 ? null : await writeJsrConfig();
  if (jsr) args.splice(args.indexOf("--jsr"), 1, "--no-lock", `--config=${jsr}`);
  console.log("Starting Kafka and PostgreSQL for the tests");
  const servers = await startServers();
  console.log(`Both are up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const files = args.filter((arg) => !arg.startsWith("-"));
  const options = args.filter((arg) => arg.startsWith("-"));
  let runs: Run[];
  try {
    runs = files.length > 0
      ? [await runTests(args, servers.env, (chunk) => Deno.stdout.write(chunk))]
      : await runAll(options, servers.env);
  } finally {
    if (jsr) await Deno.remove(jsr);
    await servers.stop();
  }
  const { passed, failed, skipped } = totalOf(runs);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
}
