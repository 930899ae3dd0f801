import { existsSync, type FSWatcher, realpathSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import { expandPatterns, foldersOf } from "../../config/source/sources.ts";
import type { Clock } from "../../runtime/clock.ts";

/** A file counts as written once it has not changed for so long. */
const SETTLED_MS = 200;

export interface FileWatchOptions {
  /** Absolute. */
  path: string;
  /** Further files, that may come and go; as in a config's `include`. */
  patterns: readonly string[];
  clock: Clock;
  /** A file is another, or has other content. Not called while the one at `path` is gone. */
  onChange: () => void;
  /** The file cannot be watched any more. */
  onFailure: (error: unknown) => void;
}

/**
 * Tells when files change, however that comes about: written in place, another file renamed to its
 * name, or a link on the way to it turned, as Kubernetes does with a ConfigMap. So it is the folders
 * that are watched, and the files that are looked at.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  #watchers: FSWatcher[] = [];
  #cancel: (() => void) | null = null;
  #told: string | null = null;
  #seen: string | null = null;
  #closed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Starts to watch; what the files are at this call is no change. */
  start(): void {
    const { path, patterns } = this.#options;
    try {
      this.#told = this.#seen = this.#identity();
      // A link's folder, and that of the file which it leads to.
      const files = [path, ...expandPatterns(patterns).filter((file) => existsSync(file))];
      const targets = files.map((file) => realpathSync(file));
      const folders = new Set([...files, ...targets].map((file) => dirname(file)));
      for (const folder of foldersOf(patterns)) if (existsSync(folder)) folders.add(folder);
      for (const folder of folders) {
        const watcher = watch(folder, { persistent: false }, () => this.#lookSoon());
        this.#watchers.push(watcher.on("error", (error) => this.#fail(error)));
      }
      // What came before the folders were watched.
      this.#lookSoon();
    } catch (error) {
      this.#fail(error);
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = null;
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  #lookSoon(): void {
    if (this.#closed || this.#cancel) return;
    this.#cancel = this.#options.clock.after(SETTLED_MS, () => {
      this.#cancel = null;
      this.#look();
    });
  }

  #look(): void {
    const now = this.#identity();
    if (now !== this.#seen) {
      this.#seen = now;
      this.#lookSoon();
    } else if (now !== null && now !== this.#told) {
      this.#told = now;
      this.#options.onChange();
    }
  }

  #identity(): string | null {
    const { path, patterns } = this.#options;
    const own = identityOf(path);
    if (own === null || patterns.length === 0) return own;
    const others = expandPatterns(patterns);
    return JSON.stringify([own, others, others.map(identityOf)]);
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#options.onFailure(error);
  }
}

/** What is another when a file has changed; null where there is none. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join(" ");
  } catch {
    return null;
  }
}
