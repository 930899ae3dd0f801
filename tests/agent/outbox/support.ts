/** What the outbox's tests share. */
import { join } from "node:path";
import type { OutboxOptions } from "../../../agent/outbox/outbox.ts";
import { OutboxStore } from "../../../agent/outbox/store.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { read } from "./store_support.ts";

/** A signal that never aborts. */
export const NEVER = new AbortController().signal;

/** The machine's, but that nothing is given up after 5 s as hanging: a busy disk may take as long. */
export const patientClock: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms < 5_000 ? ms : 600_000, run),
};

/** Of an outbox in `folder`. */
export function options(folder: string, values: Partial<OutboxOptions> = {}): OutboxOptions {
  return {
    path: join(folder, "outbox.db"),
    maxBytes: 2 ** 30,
    maxAgeMs: 86_400_000,
    clock: patientClock,
    log: recordingLog(),
    ...values,
  };
}

/** Messages whose values end in their numbers. */
export function messages(from: number, to: number, value = "v") {
  return Array.from(
    { length: to - from + 1 },
    (_, i) => ({ key: "k", value: `${value}${from + i}` }),
  );
}

/** The values that wait in the file, which nobody has open. */
export function values(folder: string): string[] {
  const store = new OutboxStore(options(folder), Date.now());
  try {
    return read(store).map(({ value }) => value);
  } finally {
    store.close();
  }
}
