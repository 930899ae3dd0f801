import { TASKS } from "./project.ts";

/** One executable that `deno task compile` makes. */
export interface Executable {
  name: string;
  /** Deno's flags of what it may do, as its task has them. */
  permissions: readonly string[];
  /** What stands before the arguments that a person gives: its mode, or nothing. */
  args: readonly string[];
}

/**
 * All of them, the one for every mode first; deno.json's tasks say what each may do, which only `deno
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

function ofTask(name: string): Pick<Executable, "permissions" | "args"> {
  const command = TASKS[name]?.command ?? "";
  const parts = /^deno run ((?:--[\w-]+(?:=\S+)? )*)main\.ts(.*)$/.exec(command);
  if (!parts) {
    throw new Error(
      `deno.json's task "${name}" is not "deno run --FLAG... main.ts", but "${command}"`,
    );
  }
  const permissions = words(parts[1]!).filter((flag) => flag.startsWith("--allow-"));
  return { permissions, args: words(parts[2]!) };
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
