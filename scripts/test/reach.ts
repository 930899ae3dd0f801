import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "../build/project.ts";

/** A path in quotes: of an import, a thread, a program, a fixture, a document. */
const QUOTED = /["'`](?:\$\{ROOT\})?(\.{0,2}\/?[\w.-]+(?:\/[\w.-]+)*\/?|\.\/)["'`]/g;
/** Types are for the compiler to check. */
const TYPES = /^(?:import|export) type [^;]*? from "[^"]+"/gm;
/** What starts programs or servers, and so takes time and what it can get of the machine. */
const STARTS = /"node:child_process"|Deno\.Command\b/;

/**
 * What a file comes to by the paths that it has in quotes, by path from the root: other modules, and
 * what they read. A folder ends in "/", and is all that is in it. This is more than the imports say, as
 * a thread, a migration and a fixture are named too. main.ts is a program wherever it is named, so what
 * it needs is left out.
 */
export class Reach {
  readonly #named = new Map<string, string[]>();

  /** All that `file` comes to, in steps: itself, what it names, what that names. */
  *steps(file: string): Generator<string[]> {
    const seen = new Set([file]);
    for (let step = [file]; step.length > 0;) {
      yield step;
      const named = step.flatMap((at) => at === "main.ts" && at !== file ? [] : this.#namedBy(at));
      step = [...new Set(named)].filter((name) => !seen.has(name));
      for (const name of step) seen.add(name);
    }
  }

  /** Whether `file` comes to what starts programs or servers. */
  startsPrograms(file: string): boolean {
    const reached = [...this.steps(file)].flat();
    return reached.some((at) => isModule(at) && STARTS.test(textOf(at)));
  }

  /** How many steps `file` is from the nearest of `changed`; Infinity where it comes to none. */
  distance(file: string, changed: readonly string[]): number {
    let distance = 0;
    for (const step of this.steps(file)) {
      const isHit = (name: string) =>
        changed.some((at) => name.endsWith("/") ? at.startsWith(name) : at === name);
      if (step.some(isHit)) return distance;
      distance++;
    }
    return Infinity;
  }

  #namedBy(file: string): string[] {
    let named = this.#named.get(file);
    if (!named) {
      named = isModule(file) ? pathsIn(file, textOf(file)) : [];
      this.#named.set(file, named);
    }
    return named;
  }
}

function isModule(file: string): boolean {
  return /\.tsx?$/.test(file);
}

function textOf(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function pathsIn(file: string, text: string): string[] {
  const found = new Set<string>();
  for (const [, path] of text.replaceAll(TYPES, "").matchAll(QUOTED)) {
    for (const base of path!.startsWith(".") ? [dirname(file)] : [dirname(file), ""]) {
      const full = join(ROOT, base, path!);
      const name = relative(ROOT, full);
      if (name === "" || name.startsWith("..") || !existsSync(full)) continue;
      // A word alone is a mode more often than a folder.
      if (statSync(full).isFile()) found.add(name);
      else if (path!.includes("/")) found.add(`${name}/`);
    }
  }
  return [...found];
}
