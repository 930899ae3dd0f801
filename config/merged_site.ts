import type { Findings } from "./findings.ts";
import type { Path } from "./problem.ts";
import { isGiven, isMap } from "./raw.ts";

type YamlMap = Readonly<Record<string, unknown>>;

/** A site's settings as the YAML has them, with what it has from the defaults. */
export class MergedSite {
  readonly #own: YamlMap;
  readonly #path: Path;
  readonly #defaults: YamlMap;
  readonly #findings: Findings;

  /** @param settings What the YAML has at `path`; `defaults` what it has at `defaults:` */
  constructor(settings: unknown, path: Path, defaults: unknown, findings: Findings) {
    this.#own = isMap(settings) ? settings : {};
    this.#path = path;
    this.#defaults = isMap(defaults) ? defaults : {};
    this.#findings = findings;
  }

  isOwn(key: string): boolean {
    return isGiven(this.#own[key]);
  }

  /** Null and undefined: not given. */
  get(key: string): unknown {
    return this.isOwn(key) ? this.#own[key] : this.#defaults[key];
  }

  /** Notes `text` at the first of `keys` that the site itself has, else at that of the defaults. */
  note(keys: readonly string[], text: string): void {
    this.#findings.add(this.#pathOf(keys), text);
  }

  /** Notes `text` at the site's `key`, whoever has it. */
  noteOwn(key: string, text: string): void {
    this.#findings.add([...this.#path, key], text);
  }

  /** Notes that the numbers at `low` and `high` are not in order, where that is so. */
  checkOrder(low: string, high: string): void {
    const [least, most] = [this.get(low), this.get(high)];
    if (!isNumber(least) || !isNumber(most) || least < most) return;
    const path = this.#pathOf([low, high]);
    const [what, found] = path.at(-1) === low
      ? [`a number below "${high}" (${most})`, least]
      : [`a number above "${low}" (${least})`, most];
    this.#findings.expected(path, what, found);
  }

  #pathOf(keys: readonly string[]): Path {
    const own = keys.find((key) => this.isOwn(key));
    if (own !== undefined) return [...this.#path, own];
    return ["defaults", keys.find((key) => isGiven(this.#defaults[key])) ?? keys[0]!];
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
