import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

/** The project's folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export const VERSION: string = manifest.version;
export const LICENSE: string = manifest.license;

/** The commands of deno.json's tasks. */
export const TASKS: Readonly<Record<string, { command: string }>> = manifest.tasks;
