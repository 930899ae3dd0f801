/** What the outbox's tests share. */
import { join } from "node:path";
import type { OutboxOptions } from "../../../agent/outbox/outbox.ts";
import { OutboxStore } from "../../../agent/outbox/store.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { read } from "./store_support.ts";

/** A signal that never aborts. */
export const NEVER = new AbortController().signal;

/** Of an outbox in `folder`. */
export function options(folder: string, values: Partial<OutboxOptions> = {}): OutboxOptions {
  return {
    path: join(folder, "outbox.db"),
    maxBytes: 2 ** 30,
    maxAgeMs: 86_400_000,
    clock: systemClock,
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
