import { Buffer } from "node:buffer";
import { scryptSync } from "node:crypto";

/** A password's hash that is made and held against in no time. */
export function quickHash(password: string): string {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
  const salt = new Uint8Array(16);
  const hash = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  return `$scrypt$ln=10,r=8,p=1$${base64(salt)}$${base64(hash)}`;
}
