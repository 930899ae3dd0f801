import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** 32 MiB and some 60 ms a try (OWASP's second choice of parameters, of equal strength with its first). */
const [LN, R, P] = [15, 8, 3];
const [SALT_BYTES, HASH_BYTES] = [16, 32];

/** A password's hash for `web.users`: "$scrypt$ln=15,r=8,p=3$salt$hash", salted anew at each call. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, { ln: LN, r: R, p: P });
  return `$scrypt$ln=${LN},r=${R},p=${P}$${base64(salt)}$${base64(hash)}`;
}

/** What the password of a user who is not there is held against, so that it takes as long. */
export const NOBODY = `$scrypt$ln=${LN},r=${R},p=${P}$${"A".repeat(22)}$${"A".repeat(43)}`;

/** Whether `password` is what `hash` was made of. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(hash);
  if (!match) return false;
  const [ln, r, p] = match.slice(1, 4).map(Number) as [number, number, number];
  const expected = Buffer.from(match[5]!, "base64");
  const found = await derive(password, Buffer.from(match[4]!, "base64"), { ln, r, p });
  return expected.length === found.length && timingSafeEqual(expected, found);
}

function derive(
  password: string,
  salt: Uint8Array,
  { ln, r, p }: { ln: number; r: number; p: number },
): Promise<Uint8Array> {
  const N = 2 ** ln;
  const options = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    // One password can be typed in two ways: accents as one character or as two.
    scrypt(password.normalize("NFC"), salt, HASH_BYTES, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
