/** A deno.json without one of its keys. */
import manifest from "../deno.json" with { type: "json" };
import { ROOT } from "./build/project.ts";

/**
 * Writes it beside deno.json, as its paths are relative to there: without `links`, the stand-ins for
 * JSR, for machines that reach it; without `unstable`, for what is to see all that is ever imported.
 *
 * @returns Its path; whoever asked removes it
 */
export async function writeConfigWithout(key: "links" | "unstable"): Promise<string> {
  const { [key]: _, ...rest } = manifest;
  const path = `${ROOT}deno.without-${key}.json`;
  await Deno.writeTextFile(path, JSON.stringify(rest, null, 2) + "\n");
  return path;
}
