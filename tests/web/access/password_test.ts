import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { hashPassword, isPassword, NOBODY } from "../../../web/access/password.ts";

Deno.test("hashPassword() salts, and isPassword() tells the one from others", async () => {
  const [hash, other] = [await hashPassword("pässword"), await hashPassword("pässword")];
  assertNotEquals(hash, other);
  assert(await isPassword("pässword", hash));
  // Typed on another keyboard: the accent as a character of its own.
  assert(await isPassword("pa\u0308ssword", hash));
  assertEquals(await isPassword("password", hash), false);
  assertEquals(await isPassword("", hash), false);
});

Deno.test("isPassword() agrees with RFC 7914's vector, and takes no other text for a hash", async () => {
  const salt = btoa("NaCl").replace(/=+$/, "");
  // The first 32 bytes of scrypt("password", "NaCl", N=1024, r=8, p=16).
  const bytes = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162";
  const key = btoa(String.fromCharCode(...bytes.match(/../g)!.map((hex) => parseInt(hex, 16))));
  assert(await isPassword("password", `$scrypt$ln=10,r=8,p=16$${salt}$${key.replace(/=+$/, "")}`));
  for (const text of ["", "password", "$scrypt$ln=10,r=8,p=1$a", NOBODY]) {
    assertEquals(await isPassword("password", text), false);
  }
});
