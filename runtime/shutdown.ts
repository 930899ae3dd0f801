import type { Clock } from "./clock.ts";

/** A task runner passes a terminal's signal on, so that it arrives twice. */
const SAME_SIGNAL_MS = 1_000;

/** The part of `process` that is used. */
export interface SignalSource {
  on(signal: string, handler: () => void): unknown;
  off(signal: string, handler: () => void): unknown;
}

/** What asks a program to stop, unless it has another use for SIGHUP. */
export const STOP_SIGNALS: readonly string[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Turns signals into an AbortSignal. The first one asks to stop; a later one calls `endNow`, unless
 * it comes within a second of the first and so is the same one.
 *
 * @param signals Those that ask to stop
 * @returns The signal, and a function that stops listening
 */
export function shutdownOn(
  source: SignalSource,
  clock: Clock,
  endNow: () => void,
  signals: readonly string[] = STOP_SIGNALS,
): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let first: number | null = null;
  const onSignal = () => {
    if (first === null) {
      first = clock.monotonic();
      controller.abort(new DOMException("Asked to stop", "AbortError"));
    } else if (clock.monotonic() - first > SAME_SIGNAL_MS) {
      endNow();
    }
  };
  for (const name of signals) source.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose() {
      for (const name of signals) source.off(name, onSignal);
    },
  };
}
