import { compileRegex } from "../../config/regex.ts";

/** A compiled pattern of the config. */
export type CompiledRegex = ReturnType<typeof compileRegex>;

/** Compiled patterns with their tables take up to megabytes each. */
const MAX_PATTERNS = 500;

/** Keeps compiled patterns, those used last. */
export class RegexCache {
  #compiled = new Map<string, CompiledRegex>();

  /** @throws What `compileRegex` throws for a pattern that the config would refuse */
  get(pattern: string): CompiledRegex {
    const found = this.#compiled.get(pattern);
    if (found) {
      this.#compiled.delete(pattern);
      this.#compiled.set(pattern, found);
      return found;
    }
    const compiled = compileRegex(pattern);
    this.#compiled.set(pattern, compiled);
    if (this.#compiled.size > MAX_PATTERNS) {
      this.#compiled.delete(this.#compiled.keys().next().value!);
    }
    return compiled;
  }
}
