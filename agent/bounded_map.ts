/** Entries of a map that outlives a reload, so that reloads do not fill the memory. */
const MAX_KEPT = 10_000;

/** Puts a new entry into a map that loses its oldest one when it is full. @returns The value */
export function keep<K, V>(map: Map<K, V>, key: K, value: V): V {
  if (map.size >= MAX_KEPT) map.delete(map.keys().next().value!);
  map.set(key, value);
  return value;
}
