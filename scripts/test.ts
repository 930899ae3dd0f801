/**
 * `deno task test [FILE ...]`: starts one Kafka and one PostgreSQL for the whole run, runs the tests
 * on them, and ends with the line "N passed, N failed" (and ", N skipped"). HTTPMON_TEST_KAFKA and
 * HTTPMON_TEST_DSN point it at servers that are there already.
 */
import { startKafka } from "../local/kafka.ts";
import { startPostgres } from "../local/postgres.ts";

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

async function startServers(): Promise<{ env: Record<string, string>; stop(): Promise<void> }> {
  const kafka = Deno.env.get("HTTPMON_TEST_KAFKA");
  const dsn = Deno.env.get("HTTPMON_TEST_DSN");
  const [ownKafka, ownPostgres] = await Promise.all([
    kafka ? null : startKafka(),
    dsn ? null : startPostgres(),
  ]);
  return {
    env: {
      HTTPMON_TEST_KAFKA: kafka ?? ownKafka!.brokers.join(","),
      HTTPMON_TEST_DSN: dsn ?? ownPostgres!.dsn,
    },
    async stop() {
      await Promise.all([ownKafka?.stop(), ownPostgres?.stop()]);
    },
  };
}

async function runTests(files: readonly string[], env: Record<string, string>) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...(files.length > 0 ? files : ["tests/"])],
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
  console.log("Starting Kafka and PostgreSQL for the tests");
  const servers = await startServers();
  console.log(`Both are up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  let result;
  try {
    result = await runTests(Deno.args, servers.env);
  } finally {
    await servers.stop();
  }
  const counts = countsOf(result.output);
  // A run that died without its summary has failed, whatever had passed by then.
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 1, skipped: 0 };
  const failures = result.code !== 0 && failed === 0 ? 1 : failed;
  console.log(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  Deno.exit(failures === 0 && passed > 0 ? 0 : 1);
}
