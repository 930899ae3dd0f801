import { UsageError } from "../../runtime/exit_codes.ts";
import { quote } from "./show.ts";

/** Where in the config: keys, and numbers for places in a list. Empty: the file as a whole. */
export type Path = readonly (string | number)[];

/** One thing that is wrong. */
export interface Problem {
  path: Path;
  /** What was expected and what was found; no secret in it. */
  text: string;
  /** The included file that it is in; absent: the config's own. */
  file?: string;
}

/** The config cannot be used. Its message is for a person, a line for each problem. */
export class ConfigError extends UsageError {
  readonly problems: readonly Problem[];

  /** @param file The config file as the person named it. */
  constructor(file: string, problems: readonly Problem[], options?: ErrorOptions) {
    super(formatProblems(file, problems), options);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** A path as a person reads it: `websites["https://example.com/"].valid_status_codes[1]`. */
export function formatPath(path: Path): string {
  return path.map((part, i) => {
    if (typeof part === "number") return `[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `[${quote(part)}]`;
    return i === 0 ? part : `.${part}`;
  }).join("");
}

function formatProblems(file: string, problems: readonly Problem[]): string {
  const name = `Config ${JSON.stringify(file)}`;
  const [first] = problems;
  if (problems.length === 1 && first!.path.length === 0 && !first!.file) {
    return `${name} ${first!.text}`;
  }
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map(({ path, text, file }) => {
    const place = [...(file ? [quote(file)] : []), ...(path.length > 0 ? [formatPath(path)] : [])];
    return `  ${place.length > 0 ? `${place.join(" ")}: ` : ""}${text}`;
  });
  return [`${name} has ${count}:`, ...lines].join("\n");
}
