import { TASKS } from "./project.ts";

/** One executable that `deno task compile` makes. */
export interface Executable {
  name: string;
  /** Deno's flags of what it may do, and V8's of its heap, as its task has them. */
  flags: readonly string[];
  /** What stands before the arguments that a person gives: its mode, or nothing. */
  args: readonly string[];
}

/**
 * All of them, the one for every mode first; deno.json's tasks say how each runs, which only `deno
 * compile` puts in.
 */
export const EXECUTABLES: readonly Executable[] = [
  { name: "httpmon", ...ofTask("httpmon") },
  { name: "httpmon-agent", ...ofTask("agent") },
  { name: "httpmon-writer", ...ofTask("writer") },
  { name: "httpmon-alerts", ...ofTask("alerts") },
  { name: "httpmon-web", ...ofTask("web") },
  { name: "httpmon-init-schema", ...ofTask("init-schema") },
];

function ofTask(name: string): Pick<Executable, "flags" | "args"> {
  const command = TASKS[name]?.command ?? "";
  const parts = /^deno run ((?:--[\w-]+(?:=\S+)? )*)main\.ts(.*)$/.exec(command);
  if (!parts) {
    throw new Error(
      `deno.json's task "${name}" is not "deno run --FLAG... main.ts", but "${command}"`,
    );
  }
  const flags = words(parts[1]!).filter((flag) => /^--(allow-|v8-flags=)/.test(flag));
  return { flags, args: words(parts[2]!) };
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
