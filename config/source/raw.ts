/** Careful reading of what the YAML holds before it is known to be right. */

/** Whether `value` is a YAML map. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

/** The map at `key` of `value`; an empty one where there is none. */
export function mapAt(value: unknown, key: string): Record<string, unknown> {
  const found = isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isMap(found) ? found : {};
}

/** Whether a key has a value; one that is left empty (null) counts as absent. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
