/**
 * `deno task test [--all] [--changed] [--alone] [FILE ...]`: starts one Kafka and one PostgreSQL for the
 * whole run, runs the tests on them, several groups of files side by side, and ends with the slowest ones
 * and the line "N passed, N failed" (and ", N skipped"). The gate runs --all, with the long ones.
 * --changed runs what comes to a file that is not as in main, the nearest first, as far as it gets in a
 * minute. --alone gives each file a process of its own, and so its CPU time. HTTPMON_TEST_KAFKA and
 * HTTPMON_TEST_DSN, set both, point it at servers that are there already. With --jsr the real JSR
 * packages are used in place of compat/. Other options are those of
 * `deno test`, with "=" before their values.
 */
import { globSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { quickestFolder } from "../local/data_folder.ts";
import { startStack } from "../local/stack.ts";
import { ROOT } from "./build/project.ts";
import { writeConfigWithout } from "./config_without.ts";
import { changedFiles } from "./test/changed.ts";
import { isIn, LONG, plan } from "./test/plan.ts";
import { Reach } from "./test/reach.ts";
import { cpuOfFamily } from "./measure/usage.ts";
import { fixed, lineOf, slowestOf, totalOf, verdictOf } from "./test/report.ts";
import { type Group, type Run, runGroup } from "./test/run.ts";

/** Most tests wait for a server most of the time. */
const JOBS = Number(Deno.env.get("DENO_JOBS") ?? 2 * availableParallelism());
const SLOWEST = 10;
/** With --changed nothing begins after so many seconds. */
const CHANGED_SECONDS = 45;
/** Nothing that a test kills outlives a crash of the machine. */
const POSTGRES = { fsync: "off", full_page_writes: "off", max_connections: "200" };

interface Servers {
  /** What the tests need in their environment. */
  env: Record<string, string>;
  /** What each took of the machine so far, where it is ours. */
  cpu(): string;
  stop(): Promise<void>;
}

/** Servers that are there, or a stack of our own. */
async function startServers(): Promise<Servers> {
  if (Deno.env.get("HTTPMON_TEST_KAFKA") && Deno.env.get("HTTPMON_TEST_DSN")) {
    return { env: {}, cpu: () => "", stop: () => Promise.resolve() };
  }
  const parent = await quickestFolder();
  const stack = await startStack({ parent, postgres: { settings: POSTGRES } });
  return {
    env: {
      HTTPMON_TEST_KAFKA: stack.kafka.brokers.join(","),
      HTTPMON_TEST_DSN: stack.postgres.dsn,
    },
    cpu: () => {
      const of = (pid: number) => fixed(cpuOfFamily(pid)).trim();
      return `, Kafka ${of(stack.kafka.pid)} s, PostgreSQL ${of(stack.postgres.pid)} s`;
    },
    stop: () => stack.stop(),
  };
}

/** The test files that these paths name; none names all. */
function filesOf(paths: readonly string[]): string[] {
  const patterns = (paths.length > 0 ? paths : ["tests"]).map((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) {
      console.error(`There is no ${path}`);
      Deno.exit(2);
    }
    return found.isDirectory() ? `${path.replace(/\/$/, "")}/**/*_test.{ts,tsx}` : path;
  });
  return globSync(patterns, { cwd: ROOT }).sort();
}

const started = performance.now();
const args = [...Deno.args];
const take = (name: string) => args.includes(name) && !!args.splice(args.indexOf(name), 1);
const [all, changed, alone, isJsr] = ["--all", "--changed", "--alone", "--jsr"].map(take);
const paths = args.filter((arg) => !arg.startsWith("-"));
const flags = args.filter((arg) => arg.startsWith("-"));

const reach = new Reach();
const files = filesOf(paths);
const [long, quick] = [true, false].map((isLong) =>
  files.filter((file) => isIn(file, LONG) === isLong)
) as [string[], string[]];
let groups: Group[];
if (changed) {
  const differ = await changedFiles();
  groups = nearest(quick, differ);
  console.log(`${differ.length} files differ from main, ${groups.length} test files come to them`);
  if (groups.length === 0) Deno.exit(0);
} else {
  groups = plan(paths.length > 0 ? files : quick, reach, { alone });
  if (all) groups.push(...plan(long, reach, { alone }));
}

function nearest(files: readonly string[], differ: readonly string[]): Group[] {
  return files.map((file) => ({ file, distance: reach.distance(file, differ) }))
    .filter(({ distance }) => distance < Infinity)
    .sort((one, other) => one.distance - other.distance)
    .map(({ file }) => ({ name: file, files: [file] }));
}

const jsr = isJsr ? await writeConfigWithout("links") : null;
if (jsr) flags.unshift("--no-lock", `--config=${jsr}`);
console.log("Starting Kafka and PostgreSQL for the tests");
const servers = await startServers();
console.log(`Both are up after ${since()} s`);
const runs: Run[] = [];
let ofServers = "";
try {
  await Promise.all(Array.from({ length: Math.min(JOBS, groups.length) }, async () => {
    while (groups.length > 0 && !(changed && Number(since()) > CHANGED_SECONDS)) {
      const run = await runGroup(groups.shift()!, { flags, env: servers.env });
      runs.push(run);
      console.log(lineOf(run));
      if (paths.length > 0 || verdictOf(run).failed > 0) console.log(run.output);
    }
  }));
} finally {
  ofServers = servers.cpu();
  if (jsr) await Deno.remove(jsr);
  await servers.stop();
}

console.log(`\nThe slowest of ${since()} s:\n${slowestOf(runs, SLOWEST).join("\n")}`);
const cpu = runs.reduce((sum, run) => sum + run.cpu, 0);
console.log(`CPU: tests and what they started ${fixed(cpu).trim()} s${ofServers}`);
if (groups.length > 0) console.log(`${groups.length} files that come to a change were left out`);
const { passed, failed, skipped } = totalOf(runs);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
Deno.exit(failed === 0 && passed > 0 ? 0 : 1);

function since(): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}
