import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { ROOT } from "../build/project.ts";

/** What one process of `deno test` runs, one file after the other. */
export interface Group {
  name: string;
  files: readonly string[];
}

/** How it went. */
export interface Run extends Group {
  code: number;
  /** All that it printed, without colours. */
  output: string;
  /** From its start to its end, seconds. */
  seconds: number;
  /** Of the process and all that it started and waited for, seconds. */
  cpu: number;
}

/**
 * Runs a group in a process of its own, its files as one program: what they import is loaded once. A
 * shell around it says what CPU time it took.
 */
export async function runGroup(
  group: Group,
  options: { flags: readonly string[]; env: Record<string, string> },
): Promise<Run> {
  const folder = await Deno.makeTempDir({ prefix: "httpmon-tests-" });
  const started = performance.now();
  try {
    const entry = join(folder, "group.ts");
    const imports = group.files.map((file) =>
      `import ${JSON.stringify(pathToFileURL(join(ROOT, file)).href)};\n`
    );
    await Deno.writeTextFile(entry, imports.join(""));
    const command = [Deno.execPath(), "test", "-A", "--no-check", ...options.flags, entry];
    const { code, stdout } = await new Deno.Command("sh", {
      args: ["-c", '"$@" 2>&1; code=$?; times; exit $code', "sh", ...command],
      cwd: ROOT,
      env: options.env,
    }).output();
    const printed = plain(new TextDecoder().decode(stdout));
    const { output, cpu } = splitTimes(printed);
    return { ...group, code, output, cpu, seconds: (performance.now() - started) / 1000 };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Text without a terminal's colours. */
export function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

/** Takes off what `times` of a shell printed: two lines, of which the second is of its children. */
export function splitTimes(printed: string): { output: string; cpu: number } {
  const lines = printed.trimEnd().split("\n");
  const [user, system] = [...lines.at(-1)!.matchAll(/(\d+)m([\d.]+)s/g)]
    .map(([, minutes, seconds]) => 60 * Number(minutes) + Number(seconds));
  return { output: lines.slice(0, -2).join("\n"), cpu: (user ?? NaN) + (system ?? NaN) };
}
