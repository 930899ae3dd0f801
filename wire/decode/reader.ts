import { Bad } from "./bad.ts";

/**
 * Reads a value of JSON as a `T`.
 *
 * @param path Where it stands in the message, "tls.chain[0].subject" for one
 * @throws {Bad} Where it is no `T`
 */
export type Reader<T> = (value: unknown, path: string) => T;

/** "wrong_type", with what was found in words of JSON. */
export function wrongType(path: string, expected: string, value: unknown): Bad {
  const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return new Bad("wrong_type", `"${path}": expected ${expected}, found ${found}`);
}

export function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, path) => value === null ? null : read(value, path);
}

/** An array of at most `most` values. */
export function list<T>(read: Reader<T>, most: number): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrongType(path, "an array", value);
    if (value.length > most) throw tooMany(path, value.length, most);
    return value.map((each, index) => read(each, `${path}[${index}]`));
  };
}

/** An object with any keys, at most `most` of them. */
export function dictionary<T>(
  readKey: Reader<string>,
  read: Reader<T>,
  most: number,
): Reader<Record<string, T>> {
  return (value, path) => {
    const entries = Object.entries(object(value, path));
    if (entries.length > most) throw tooMany(path, entries.length, most);
    // fromEntries makes own properties of all keys, "__proto__" too.
    return Object.fromEntries(
      entries.map(([key, each]) => [
        readKey(key, `${path}: a key`),
        read(each, `${path}.${key.slice(0, 40)}`),
      ]),
    );
  };
}

type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];
type RequiredFields<T> = { [K in Exclude<keyof T, OptionalKeys<T>>]: Reader<T[K]> };
type OptionalFields<T> = { [K in OptionalKeys<T>]-?: Reader<Exclude<T[K], undefined>> };

/**
 * An object with these fields; others are left out. An optional one that is null is taken for not
 * there: some writers of JSON give every field of a record.
 */
export function record<T extends object>(
  required: RequiredFields<T>,
  optional: OptionalFields<T>,
): Reader<T> {
  const needed = Object.entries<Reader<unknown>>(required);
  const others = Object.entries<Reader<unknown>>(optional);
  const pathsAt = (path: string) => {
    const prefix = path === "" ? "" : `${path}.`;
    return [...needed, ...others].map(([field]) => prefix + field);
  };
  // The same place in message after message, mostly: its paths are made once.
  let known = { path: "", paths: pathsAt("") };
  return (value, path) => {
    const from = object(value, path);
    if (known.path !== path) known = { path, paths: pathsAt(path) };
    const { paths } = known;
    const to: Record<string, unknown> = {};
    let at = 0;
    // What JSON gives is never undefined, and no field has the name of what objects inherit.
    for (const [field, read] of needed) {
      const value = from[field];
      if (value === undefined) throw new Bad("missing_field", `"${paths[at]}" is missing`);
      to[field] = read(value, paths[at++]!);
    }
    for (const [field, read] of others) {
      const place = paths[at++]!;
      const value = from[field];
      if (value !== undefined && value !== null) to[field] = read(value, place);
    }
    return to as T;
  };
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrongType(path, "an object", value);
}

function tooMany(path: string, found: number, most: number): Bad {
  return new Bad("bad_value", `"${path}": expected at most ${most} entries, found ${found}`);
}
