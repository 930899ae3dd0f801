import type { SignalSource } from "./shutdown.ts";

/** Tells of each SIGHUP. */
export interface HangUps {
  /** Calls `run` at each one from now on, and at once if one has come before. Returns the end of it. */
  onHangUp(run: () => void): () => void;
  /** Stops listening: the next SIGHUP does what it does by itself, and ends the process. */
  dispose(): void;
}

/**
 * Listens for SIGHUP from now on, so that one that comes while the program is still starting does not
 * end it, as it would by itself, and is not lost.
 */
export function listenForHangUps(source: SignalSource): HangUps {
  const runs = new Set<() => void>();
  let isMissed = false;
  const onSignal = () => {
    isMissed = runs.size === 0;
    for (const run of runs) run();
  };
  source.on("SIGHUP", onSignal);
  return {
    onHangUp(run) {
      runs.add(run);
      if (isMissed) {
        isMissed = false;
        run();
      }
      return () => void runs.delete(run);
    },
    dispose: () => void source.off("SIGHUP", onSignal),
  };
}

/** For modes that stop at SIGHUP. */
export const noHangUps: HangUps = { onHangUp: () => () => {}, dispose() {} };
