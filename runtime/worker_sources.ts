/**
 * Where each worker thread's code is. The Node bundle has no files beside it, so its build puts a
 * module in this one's place that gives the bundled code as text (scripts/build/bundle.ts).
 */
export type WorkerName = "outbox" | "inspect" | "config";

/** From this folder. */
export const WORKER_FILES: Readonly<Record<WorkerName, string>> = {
  outbox: "../agent/outbox/worker.ts",
  inspect: "../agent/inspect/worker.ts",
  config: "../agent/reload/worker.ts",
};

/** The file, or in a bundle the code itself. */
export function workerSource(name: WorkerName): URL | string {
  return new URL(WORKER_FILES[name], import.meta.url);
}
