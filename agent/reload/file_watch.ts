import { type FSWatcher, watch } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../../runtime/clock.ts";

/** A file counts as written once it has not changed for so long. */
const SETTLED_MS = 200;

export interface FileWatchOptions {
  /** Absolute. */
  path: string;
  clock: Clock;
  /** The file is another, or has other content. Not called for one that is gone. */
  onChange: () => void;
  /** The file cannot be watched any more. */
  onFailure: (error: unknown) => void;
}

/**
 * Tells when a file changes, however that comes about: written in place, another file renamed to its
 * name, or a link on the way to it turned, as Kubernetes does with a ConfigMap. So it is the folder
 * that is watched, and the file that is looked at.
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

  /** Starts to watch; what the file is now is no change. Never rejects. */
  async start(): Promise<void> {
    const { path } = this.#options;
    try {
      this.#told = this.#seen = await identityOf(path);
      // A link's folder, and that of the file which it leads to.
      const folders = new Set([dirname(path), dirname(await realpath(path))]);
      if (this.#closed) return;
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
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const now = await identityOf(this.#options.path);
    if (this.#closed) return;
    if (now !== this.#seen) {
      this.#seen = now;
      this.#lookSoon();
    } else if (now !== null && now !== this.#told) {
      this.#told = now;
      this.#options.onChange();
    }
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#options.onFailure(error);
  }
}

/** What is another when a file has changed; null where there is none. */
async function identityOf(path: string): Promise<string | null> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join(" ");
  } catch {
    return null;
  }
}
