/**
 * `deno task coverage [FILE ...]`: runs the tests, and says of each file of the program how many of its
 * lines they reach, the least first, and which not. What a test starts as a program of its own counts.
 */
import { relative } from "node:path";
import { ROOT } from "./build/project.ts";

/** What is not the program, or is its tests' own. */
const OTHERS = "/(tests|scripts|local|compat|node_modules)/";
const FOLDER = `${ROOT}build/coverage`;

async function deno(args: string[], env: Record<string, string> = {}): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env, stdout: "piped" });
  const { code, stdout } = await command.output();
  const text = new TextDecoder().decode(stdout);
  if (code !== 0) throw new Error(`deno ${args[0]} ended with ${code}:\n${text.slice(-2_000)}`);
  return text;
}

await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
const run = ["run", "-A", "scripts/test.ts", `--coverage=${FOLDER}`, "--coverage-raw-data-only"];
const tested = await deno([...run, ...Deno.args], { DENO_COVERAGE_DIR: FOLDER });
console.log(tested.trimEnd().split("\n").at(-1));
const lcov = await deno(["coverage", "--lcov", `--exclude=${OTHERS}`, FOLDER]);
const files = lcov.split("end_of_record").flatMap((record) => {
  const file = /^SF:(.*)$/m.exec(record)?.[1];
  if (!file) return [];
  const lines = [...record.matchAll(/^DA:(\d+),(\d+)$/gm)];
  const missed = lines.filter(([, , times]) => times === "0").map(([, line]) => line!);
  return [{ file: relative(ROOT, file), lines: lines.length, missed }];
}).sort((one, other) => other.missed.length - one.missed.length);
for (const { file, missed } of files) {
  if (missed.length > 0) console.log(`${file}: ${missed.length}: ${missed.join(" ")}`);
}
const sum = (of: (file: typeof files[number]) => number) =>
  files.reduce((total, file) => total + of(file), 0);
const [all, missed] = [sum(({ lines }) => lines), sum(({ missed }) => missed.length)];
console.log(`${(100 - missed / all * 100).toFixed(1)} % of ${all} lines in ${files.length} files`);
