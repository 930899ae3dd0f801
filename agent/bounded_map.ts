/**
 * Puts a new entry into a map that loses its oldest one when it is full, so that what outlives a reload
 * does not fill the memory.
 *
 * @returns The value
 */
export function keep<K, V>(map: Map<K, V>, key: K, value: V, most = 10_000): V {
  if (map.size >= most) map.delete(map.keys().next().value!);
  map.set(key, value);
  return value;
}
