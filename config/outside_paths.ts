import type { Path } from "./problem.ts";

/** Paths of values that came from the environment or a file: they are text, and secret. */
export class OutsidePaths {
  readonly #paths = new Set<string>();

  add(path: Path): void {
    this.#paths.add(JSON.stringify(path));
  }

  /** Whether the value at `path`, or one that it is a part of, came from outside. */
  has(path: Path): boolean {
    return path.some((_, i) => this.#paths.has(JSON.stringify(path.slice(0, i + 1))));
  }
}
