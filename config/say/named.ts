import { z } from "zod";

/** Says what was expected of the value that is looked at, or of the key that it stands under. */
export interface Complaints {
  ofValue(expected: string, path?: readonly (string | number)[]): undefined;
  ofKey(expected: string): undefined;
}

/** Marks an issue as about the key at its path's end; what stands under it is then not told. */
export const OF_KEY = { isOfKey: true };

/**
 * A map with free keys. Each entry is checked and made what is needed by `read`, whatever is wrong
 * with another; entries that are left empty are left out.
 *
 * @param what Said where there is no map
 * @param read Complains, or gives what the entry stands for
 */
export function named<T>(
  what: string,
  read: (name: string, value: unknown, complaints: Complaints) => T | undefined,
) {
  return z.record(z.string(), z.unknown(), { error: what }).transform((given, ctx): T[] => {
    const entries: T[] = [];
    for (const [name, value] of Object.entries(given)) {
      if (value === null) continue;
      const entry = read(name, value, {
        ofValue: (message, path = []) =>
          void ctx.addIssue({ code: "custom", message, path: [name, ...path] }),
        ofKey: (message) =>
          void ctx.addIssue({ code: "custom", message, path: [name], params: OF_KEY }),
      });
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  });
}
