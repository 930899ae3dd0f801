/**
 * A number in [0, 1) that is always the same for a text and evenly spread over texts: FNV-1a over
 * its UTF-16 units, then MurmurHash3's finaliser, as FNV alone leaves the high bits of similar short
 * texts close together. `salt` gives independent numbers for one text.
 */
export function hashFraction(text: string, salt = 0): number {
  let hash = (0x811c9dc5 ^ salt) >>> 0;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
