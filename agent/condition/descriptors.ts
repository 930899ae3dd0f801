import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";

/** Kept free for the broker's connections, the outbox, the log, the resolver and the metrics server. */
const RESERVE = 100;

/** As many checks as run at a time where nobody says; 10,000 connections take some 200 MB. */
const DEFAULT_CHECKS = 10_000;

/** Codes by which a system says that there are no more descriptors, of the process or of all. */
const EXHAUSTED = new Set(["EMFILE", "ENFILE"]);

/**
 * How many checks may run at a time: `wanted`, but no more than the process's descriptors allow, at
 * one a check and with 100 kept for other uses.
 *
 * Counts by opening the null device that often and closing it again (5 us each): the limit itself is
 * in /proc/self/limits on Linux only, and Deno lets nobody read that without all permissions. Where
 * the device cannot be opened for another reason, `wanted` is taken to be fine.
 *
 * @param wanted Null: as many as are allowed, up to 10,000
 * @param open Opens one descriptor
 */
export function allowedChecks(
  wanted: number | null,
  open: () => number = () => openSync(devNull, "r"),
  close: (descriptor: number) => void = closeSync,
): number {
  const most = wanted ?? DEFAULT_CHECKS;
  const opened: number[] = [];
  try {
    while (opened.length < most + RESERVE) opened.push(open());
    return most;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== "string" || !EXHAUSTED.has(code)) return most;
    return Math.max(1, opened.length - RESERVE);
  } finally {
    for (const descriptor of opened) close(descriptor);
  }
}
