import type { Findings } from "../say/findings.ts";
import { HTTP_TOKEN } from "../fields.ts";
import { HEADER_NAME } from "./headers.ts";
import type { Path } from "../say/problem.ts";
import { isGiven, isMap } from "../source/raw.ts";

/** Settings as the YAML has them, checked or not, and where they stand. */
export interface RawSettings {
  settings: Readonly<Record<string, unknown>>;
  path: Path;
}

/** A site's settings as the YAML has them, with what it has from elsewhere. */
export class RawSite {
  /** Null: no site, but settings for several. */
  readonly url: string | null;
  readonly #own: RawSettings;
  /** The site's own first, then what it falls back on. */
  readonly #layers: readonly RawSettings[];
  readonly #findings: Findings;

  /** @param fallbacks Those before others decide */
  constructor(
    url: string | null,
    own: RawSettings,
    fallbacks: readonly RawSettings[],
    findings: Findings,
  ) {
    this.url = url;
    this.#own = own;
    this.#layers = [own, ...fallbacks];
    this.#findings = findings;
  }

  /** What the site itself has; null and undefined: nothing. */
  own(key: string): unknown {
    return this.#own.settings[key];
  }

  isOwn(key: string): boolean {
    return isGiven(this.own(key));
  }

  /** What holds for the site; null and undefined: nothing is said. */
  get(key: string): unknown {
    return this.all(key)[0];
  }

  /** What the site has, then each that it falls back on. */
  all(key: string): unknown[] {
    return this.#layers.map(({ settings }) => settings[key]).filter(isGiven);
  }

  /** Notes `text` at the first of `keys` that the site itself has, else at what it falls back on. */
  note(keys: readonly string[], text: string): void {
    this.#findings.add(this.#pathOf(keys), text);
  }

  /** Notes `text` below the site itself, whoever has what is there. */
  noteOwn(path: Path, text: string): void {
    this.#findings.add([...this.#own.path, ...path], text);
  }

  /** Notes that the numbers at `low` and `high` are not in order, where that is so. */
  checkOrder(low: string, high: string): void {
    const [least, most] = [this.get(low), this.get(high)];
    if (typeof least !== "number" || typeof most !== "number" || least < most) return;
    const path = this.#pathOf([low, high]);
    const [what, found] = path.at(-1) === low
      ? [`a number below "${high}" (${most})`, least]
      : [`a number above "${low}" (${least})`, most];
    this.#findings.expected(path, what, found);
  }

  /** Notes keys of the map at `key` that are no header's name, or one that is there already. */
  checkHeaderNames(key: string): void {
    const headers = this.own(key);
    const names = new Map<string, string>();
    for (const name of isMap(headers) ? Object.keys(headers) : []) {
      const same = names.get(name.toLowerCase());
      if (!HTTP_TOKEN.test(name)) this.noteOwn([key, name], `expected ${HEADER_NAME}`);
      else if (same !== undefined) {
        this.noteOwn([key, name], `expected another header than "${same}", which is the same`);
      }
      names.set(name.toLowerCase(), name);
    }
  }

  #pathOf(keys: readonly string[]): Path {
    for (const { settings, path } of this.#layers) {
      const key = keys.find((key) => isGiven(settings[key]));
      if (key !== undefined) return [...path, key];
    }
    return [...this.#own.path, keys[0]!];
  }
}
