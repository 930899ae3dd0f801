import type { Path } from "../say/findings.ts";

/** A text that came from the environment or a file, and may never be shown. */
export interface Secret {
  value: string;
  /** What is shown in its place: "${NAME}". */
  name: string;
}

/** Less of a text tells nothing, but would be found in many others. */
const MIN_LENGTH = 4;

/** Which values of the YAML came from the environment or a file: they are text, and secret. */
export class Outside {
  readonly #entries = new Map<
    string,
    { path: Path; written: string; secrets: readonly Secret[] }
  >();
  /** By section, and in a section of free keys by the key; null until it is asked for. */
  #secrets: Map<string, Secret[]> | null = null;

  /**
   * @param written The value as the YAML has it
   * @param secrets What was put into it
   */
  add(path: Path, written: string, secrets: readonly Secret[]): void {
    this.#entries.set(JSON.stringify(path), { path, written, secrets });
  }

  /** What is at `path` is no text but a number or the like, which is not looked for in others. */
  noText(path: Path): void {
    const entry = this.#entries.get(JSON.stringify(path));
    if (entry) entry.secrets = [];
  }

  /** Whether the value at `path`, or one that it is a part of, came from outside. */
  has(path: Path): boolean {
    return path.some((_, i) => this.#entries.has(JSON.stringify(path.slice(0, i + 1))));
  }

  /** The value at `path` as the YAML has it; null where it has nothing from outside. */
  writtenAt(path: Path): string | null {
    return this.#entries.get(JSON.stringify(path))?.written ?? null;
  }

  /** The texts that were put into a section, or into one entry of a section of free keys. */
  secretsOf(path: Path): readonly Secret[] {
    return this.#bySection().get(JSON.stringify(path)) ?? NONE;
  }

  /** All texts that were put into the YAML. */
  allSecrets(): Secret[] {
    return [...this.#bySection().values()].flat();
  }

  #bySection(): Map<string, Secret[]> {
    if (this.#secrets) return this.#secrets;
    const found = this.#secrets = new Map<string, Secret[]>();
    for (const { path, secrets } of this.#entries.values()) {
      const long = secrets.filter(({ value }) => value.length >= MIN_LENGTH);
      const key = JSON.stringify(sharedBy(path));
      if (long.length > 0) found.set(key, [...found.get(key) ?? [], ...long]);
    }
    return found;
  }
}

const NONE: readonly Secret[] = [];

function sharedBy([section, key]: Path): Path {
  return section === "websites" || section === "templates" ? [section, key!] : [section!];
}

/** A config value with every `${NAME}` in it replaced. */
interface Interpolated {
  text: string;
  /** What was put in. */
  secrets: readonly Secret[];
  /** Variables that the environment has not. */
  missing: readonly string[];
  /** Whether a "${" starts no `${NAME}`. */
  isBroken: boolean;
}

/**
 * Replaces each `${NAME}` in `source` by that variable of the environment; `$${` gives the
 * characters `${`. What was put in is not looked at again.
 */
export function interpolate(
  source: string,
  env: Readonly<Record<string, string | undefined>>,
): Interpolated {
  const missing: string[] = [];
  const secrets: Secret[] = [];
  let isBroken = false;
  const text = source.replace(
    /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\})?/g,
    (found, name?: string) => {
      if (found === "$${") return "${";
      if (name === undefined) {
        isBroken = true;
        return found;
      }
      const value = env[name];
      if (typeof value !== "string") {
        missing.push(name);
        return found;
      }
      secrets.push({ value, name: found });
      return value;
    },
  );
  return { text, secrets, missing, isBroken };
}
