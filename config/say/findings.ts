import type { Path, Problem } from "./problem.ts";
import { isGiven } from "../source/raw.ts";
import { HIDDEN, isSecretAt } from "./redact.ts";
import { show } from "./show.ts";

/** Collects what is wrong, and keeps secrets out of it. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly #isOutside: (path: Path) => boolean;
  readonly #paths = new Set<string>();
  readonly #texts = new Set<string>();

  /** @param isOutside Whether the value at a path came from the environment or a file. */
  constructor(isOutside: (path: Path) => boolean) {
    this.#isOutside = isOutside;
  }

  /** Notes `text`, which the caller keeps free of secrets. The same again is noted once. */
  add(path: Path, text: string): void {
    const key = JSON.stringify([path, text]);
    if (this.#texts.has(key)) return;
    this.#texts.add(key);
    this.settle(path);
    this.problems.push({ path, text });
  }

  /**
   * Notes "expected `what`, found `found`"; `found` shows as "(hidden)" where it is a secret. Where
   * `path` has a problem already, this one would only follow from it and is left out.
   *
   * @param which Said of what was found, after a comma: "which does not exist"
   */
  expected(path: Path, what: string, found: unknown, which?: string): void {
    if (this.isSettled(path)) return;
    const hidden = isGiven(found) && (this.#isOutside(path) || isSecretAt(path, found));
    const shown = hidden ? HIDDEN : show(found);
    this.add(path, `expected ${what}, found ${shown}${which ? `, ${which}` : ""}`);
  }

  /** Keeps later expected() calls from saying more about `path`. */
  settle(path: Path): void {
    this.#paths.add(JSON.stringify(path));
  }

  /** Whether what is wrong with `path` has been said. */
  isSettled(path: Path): boolean {
    return this.#paths.has(JSON.stringify(path));
  }
}
