/** A deno.json without the stand-ins for JSR, for machines that reach it. */
import manifest from "../deno.json" with { type: "json" };
import { ROOT } from "./build/project.ts";

/**
 * Writes it beside deno.json, as its paths are relative to there.
 *
 * @returns Its path; whoever asked removes it
 */
export async function writeJsrConfig(): Promise<string> {
  const { links: _, ...rest } = manifest as typeof manifest & { links: unknown };
  const path = `${ROOT}deno.jsr.json`;
  await Deno.writeTextFile(path, JSON.stringify(rest, null, 2) + "\n");
  return path;
}
