import type { Secret } from "./outside.ts";

/** A config value with every `${NAME}` in it replaced. */
export interface Interpolated {
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
