import { statSync } from "node:fs";
import { expandPatterns } from "../../config/source/sources.ts";
import type { Clock } from "../../runtime/clock.ts";

/** How often the files are looked at. */
const EVERY_MS = 1_000;

/**
 * Tells when files change, however that comes about: written in place, another file renamed to its
 * name, or a link on the way to it turned, as Kubernetes does with a ConfigMap. They are looked at each
 * second, as on a network's file system or in a container nobody else may tell of it.
 *
 * @param before What `look` would give of the files as they are known
 * @param look Gives what is another when a file has changed; null while there is nothing to go on with
 * @param onChange Called once they have changed and then been the same for a second
 * @returns Ends it
 */
export function watchFiles(
  before: string | null,
  look: () => Promise<string | null>,
  onChange: () => void,
  clock: Clock,
): () => void {
  let [told, seen] = [before, before];
  let isOver = false;
  const lookOnce = async () => {
    const now = await look().catch(() => seen);
    if (isOver) return;
    if (now === seen && now !== null && now !== told) {
      told = now;
      onChange();
    }
    seen = now;
    cancel = clock.after(EVERY_MS, lookOnce);
  };
  let cancel = clock.after(EVERY_MS, lookOnce);
  return () => {
    isOver = true;
    cancel();
  };
}

/**
 * What is another when a file has changed.
 *
 * @param path Absolute
 * @param patterns Further files, that may come and go; as in a config's `include`
 * @returns Null while the file at `path` is gone
 */
export function stateOfFiles(path: string, patterns: readonly string[]): string | null {
  const others = expandPatterns(patterns);
  const own = stateOf(path);
  return own && JSON.stringify([own, others, others.map(stateOf)]);
}

function stateOf(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? [stats.dev, stats.ino, stats.size, stats.mtimeNs].join(" ") : null;
}
