/**
 * Where each thread's code is. The Node bundle has no files beside it, so its build puts a module in
 * this one's place that gives the bundled code as text (scripts/build/bundle.ts).
 */
export type ThreadName = "outbox" | "inspect" | "config";

/** From this folder. */
export const THREAD_FILES: Readonly<Record<ThreadName, string>> = {
  outbox: "../../agent/outbox/outbox_thread.ts",
  inspect: "../../agent/inspect/inspect_thread.ts",
  config: "../../agent/reload/config_thread.ts",
};

/** The file, or in a bundle the code itself. */
export function threadSource(name: ThreadName): URL | string {
  return new URL(THREAD_FILES[name], import.meta.url);
}
