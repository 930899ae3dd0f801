import { createHash } from "node:crypto";

/** SHA-256 over a record's key and value, that tells it from another one at the same offset. */
export function recordHash(
  { key, value }: { key: Uint8Array | null; value: Uint8Array | null },
): Uint8Array {
  const hash = createHash("sha256");
  for (const part of [key, value]) {
    // The length first, so that bytes cannot move from the key to the value unseen; -1 is null.
    hash.update(`${part === null ? -1 : part.length}:`);
    if (part !== null) hash.update(part);
  }
  return hash.digest();
}
