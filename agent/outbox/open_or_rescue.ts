import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { type OpenFile, openFile } from "./open_file.ts";
import type { Damaged, Opened, StoreOptions } from "./protocol.ts";
import { rescue } from "./rescue.ts";
import { failureOf } from "./sqlite_errors.ts";

/** What SQLite may keep beside a database, found by its name. */
const BESIDE = ["-wal", "-shm", "-journal"];

/**
 * Opens the outbox's file, which is made if need be. What waits for the broker in a damaged one is
 * copied to a new one, as far as it can be read. The damaged file stays where it is until the copy,
 * "….rescue", is whole and on disk and so named "….rescued"; then it is moved aside for it. What
 * cuts this short, a kill or a full disk, costs nothing: the next try begins or goes on.
 *
 * @param damage How an earlier use found the file damaged; null where none did
 * @throws {Error} SQLite's, where the file cannot be opened, is locked, or is of a newer version, or
 * the new one cannot be written
 */
export function openOrRescue(
  options: StoreOptions,
  damage: string | null,
): OpenFile & Pick<Opened, "damaged"> {
  const { path } = options;
  if (existsSync(rescuedOf(path))) {
    const error = damage ?? "An earlier process found it damaged";
    return putInPlace(options, error, "Not known: an earlier try read it");
  }
  let error = damage;
  try {
    const file = openFile(options);
    if (error === null) {
      dropPartOf(path);
      return { ...file, damaged: null };
    }
    // It opens, as opening reads not every page; and no other process has it.
    file.db.close();
  } catch (failed) {
    const { kind, message } = failureOf(failed);
    if (kind !== "damaged") throw failed;
    error ??= message;
  }
  return putInPlace(options, error, copyReadable(options));
}

/** Makes the new file. @returns Why not all could be brought over; else null */
function copyReadable(options: StoreOptions): string | null {
  const { path } = options;
  dropPartOf(path);
  try {
    const { db } = openFile({ ...options, path: partOf(path) });
    let rescueError;
    try {
      rescueError = rescue(path, db);
      // Closing would try the same, but not say that it failed.
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      db.close();
    }
    renameSync(partOf(path), rescuedOf(path));
    return rescueError;
  } catch (error) {
    dropPartOf(path);
    throw error;
  }
}

/** Puts the new file in the damaged one's place, of which an earlier try may have moved some. */
function putInPlace(
  options: StoreOptions,
  error: string,
  rescueError: string | null,
): OpenFile & { damaged: Damaged } {
  const { path } = options;
  // The same name in each try.
  const made = statSync(rescuedOf(path)).mtime.toISOString().replace(/[:.]/g, "-");
  const movedTo = `${path}.damaged-${made}`;
  // A log file that stayed would be taken for the new file's.
  for (const suffix of ["", ...BESIDE]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, movedTo + suffix);
  }
  renameSync(rescuedOf(path), path);
  const file = openFile(options);
  return { ...file, damaged: { movedTo, error, rescued: file.totals.depth, rescueError } };
}

function partOf(path: string): string {
  return `${path}.rescue`;
}

function rescuedOf(path: string): string {
  return `${path}.rescued`;
}

/** Deletes a copy that is not whole; what cannot be deleted only takes room, and is copied over. */
function dropPartOf(path: string): void {
  for (const suffix of ["", ...BESIDE]) {
    try {
      rmSync(partOf(path) + suffix, { force: true });
    } catch {
      // As said above.
    }
  }
}
