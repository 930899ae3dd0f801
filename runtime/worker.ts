import { Worker } from "node:worker_threads";
import { type WorkerName, workerSource } from "./worker_sources.ts";

/**
 * Starts one of the program's worker threads. Work that may hold a thread for long (a fsync, a regex
 * over a large page) runs in one, never on the main thread.
 */
export function startWorker(name: WorkerName, workerData?: unknown): Worker {
  const source = workerSource(name);
  return typeof source === "string"
    ? new Worker(source, { eval: true, workerData })
    : new Worker(source, { workerData });
}
