/**
 * Where each thread's code is. The Node bundle has no files beside it, so its build puts a module in
 * this one's place that gives the bundled code as text (scripts/build/bundle.ts).
 */
export type ThreadName = "outbox" | "inspect" | "config";

export const THREAD_FILES: Readonly<Record<ThreadName, URL>> = {
  outbox: new URL("../../agent/outbox/outbox_thread.ts", import.meta.url),
  inspect: new URL("../../agent/inspect/inspect_thread.ts", import.meta.url),
  config: new URL("../../agent/reload/config_thread.ts", import.meta.url),
};

/** The file, or in a bundle the code itself. */
export function threadSource(name: ThreadName): URL | string {
  return THREAD_FILES[name];
}
