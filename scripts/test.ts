/**
 * `deno task test [FILE ...]`: starts one Kafka and one PostgreSQL for the whole run, runs the tests
 * on them, and ends with the line "N passed, N failed" (and ", N skipped"). HTTPMON_TEST_KAFKA and
 * HTTPMON_TEST_DSN, set both, point it at servers that are there already. With
 * --jsr the real JSR packages are used in place of compat/.
 */
import { startStack } from "../local/stack.ts";
import { writeJsrConfig } from "./jsr_config.ts";

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

async function runTests(args: readonly string[], env: Record<string, string>) {
  const files = args.filter((arg) => !arg.startsWith("-"));
  const options = args.filter((arg) => arg.startsWith("-"));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...options, ...(files.length > 0 ? files : ["tests/"])],
    env,
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

if (import.meta.main) {
  const started = performance.now();
  const args = [...Deno.args];
  const jsr = args.indexOf("--jsr") < 0 ? null : await writeJsrConfig();
  if (jsr) args.splice(args.indexOf("--jsr"), 1, "--no-lock", `--config=${jsr}`);
  console.log("Starting Kafka and PostgreSQL for the tests");
  const servers = await startServers();
  console.log(`Both are up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  let result;
  try {
    result = await runTests(args, servers.env);
  } finally {
    if (jsr) await Deno.remove(jsr);
    await servers.stop();
  }
  const counts = countsOf(result.output);
  // A run that died without its summary has failed, whatever had passed by then.
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 1, skipped: 0 };
  const failures = result.code !== 0 && failed === 0 ? 1 : failed;
  console.log(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  Deno.exit(failures === 0 && passed > 0 ? 0 : 1);
}
