import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { UnavailableError } from "./unavailable_error.ts";

/**
 * The path of a Node program of `version`, downloaded from npm at the first call (50 MB).
 *
 * @throws {UnavailableError} Where there is none for this platform, or it cannot be had
 */
export async function nodeBinary(version: string): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== "linux-x64" && platform !== "linux-arm64") {
    throw new UnavailableError(`No Node program is known for "${platform}", only for Linux`);
  }
  const specifier = JSON.stringify(`npm:node-${platform}@${version}/package.json`);
  // Apart from the project: what is in deno.lock is downloaded wherever the project is run first.
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--quiet",
      "--no-config",
      "--no-lock",
      "--node-modules-dir=none",
      `await import(${specifier}, { with: { type: "json" } });
       console.log(import.meta.resolve(${specifier}));`,
    ],
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) {
    const [reason] = decoder.decode(stderr).split("\n");
    throw new UnavailableError(
      `npm's package "node-${platform}" ${version} cannot be had: ${reason}`,
    );
  }
  return join(dirname(fileURLToPath(decoder.decode(stdout).trim())), "bin", "node");
}
