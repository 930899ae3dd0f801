import { EventEmitter } from "node:events";
import type { Worker } from "node:worker_threads";
import { Inspector } from "../../../agent/inspect/inspector.ts";
import {
  type Inspection,
  type InspectionOutcome,
  patternsOf,
} from "../../../agent/inspect/inspection.ts";
import { compileRegex } from "../../../config/site/regex.ts";
import { startWorker } from "../../../runtime/thread/thread.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const utf8 = new TextEncoder();

/** A search for a pattern in a body. */
export function request(pattern: string, text: string): Inspection {
  const searches = [{ pattern, text: null }];
  return { body: utf8.encode(text), contentType: null, searches, json: [] };
}

/** What comes of a search that finds it, or not. */
export function outcome(matched: boolean): InspectionOutcome {
  return { ok: true, found: { matched: [matched], json: [] } };
}

/** An inspector, the threads that it starts, and its clock: no limit is over before that is told. */
export function counted(maxThreads = 2) {
  const clock = new FakeClock();
  const threads: Worker[] = [];
  const inspector = new Inspector(clock, maxThreads, () => {
    threads.push(startWorker("inspect"));
    return threads.at(-1)!;
  });
  return { inspector, threads, clock };
}

/** A thread that finds nothing, and keeps what it was asked. */
export class RecordingThread extends EventEmitter {
  asked: Inspection[] = [];
  postMessage({ argument: inspection }: { argument: Inspection }): void {
    this.asked.push(inspection);
    const programSizes = patternsOf(inspection).map((source) => compileRegex(source).programSize());
    const found = {
      matched: inspection.searches.map(() => false),
      json: inspection.json.map(() => ({ ok: false, found: null })),
    };
    queueMicrotask(() => this.emit("message", { ok: true, value: { found, programSizes } }));
  }
  terminate(): Promise<number> {
    return Promise.resolve(0);
  }
}
