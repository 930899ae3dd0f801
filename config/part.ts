import type { z } from "zod";
import type { Mode } from "../runtime/cli/modes.ts";
import type { Findings } from "./say/findings.ts";
import type { Outside } from "./source/outside.ts";
import type { TextReader } from "./source/read_text.ts";

/** A config that is being loaded. */
export interface Loading {
  /** The whole YAML with what came from outside, checked or not. */
  root: Readonly<Record<string, unknown>>;
  /** Undefined: for all. */
  mode: Mode | undefined;
  /** Whether the mode reads a section; one that it does not may lack what is elsewhere. */
  uses: (section: string) => boolean;
  /** Where the person stood. */
  cwd: string;
  /** The environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Reads what the config names, relative to its folder. */
  reader: TextReader;
  outside: Outside;
  findings: Findings;
}

/** A part of the config, which is that of a section of the YAML, with all that belongs to it. */
export interface Part<Schema extends z.ZodType, Config> {
  schema: Schema;
  /**
   * Notes what one key's value alone cannot show to be wrong, and reads the files that the section
   * names.
   *
   * @returns Makes the config of the section, once nothing at all is wrong
   */
  load: (loading: Loading) => (yaml: z.output<Schema>) => Config;
}

/** Checks the types of a part, and keeps them. */
export function part<Schema extends z.ZodType, Config>(
  part: Part<Schema, Config>,
): Part<Schema, Config> {
  return part;
}
