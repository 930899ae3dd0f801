/**
 * Where each worker thread's code is. The Node bundle has no files beside it, so its build puts a
 * module in this one's place that gives the bundled code as text (scripts/build_node.ts).
 */
export type WorkerName = "outbox" | "regex";

/** The file, or in a bundle the code itself. */
export function workerSource(name: WorkerName): URL | string {
  const files: Record<WorkerName, string> = {
    outbox: "../agent/outbox/worker.ts",
    regex: "../agent/regex/worker.ts",
  };
  return new URL(files[name], import.meta.url);
}
