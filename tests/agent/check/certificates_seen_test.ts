import { assertEquals } from "@std/assert";
import { CertificatesSeen } from "../../../agent/check/certificates_seen.ts";
import type { CertificateRecord } from "../../../agent/http/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { site } from "../support.ts";

const HOUR_MS = 3_600_000;

function chain(...fingerprints: string[]): CertificateRecord[] {
  return fingerprints.map((fingerprint256) => ({
    subject: "CN=a",
    issuer: "CN=b",
    names: [],
    serial: "01",
    fingerprint256,
    notBefore: 0,
    notAfter: 1,
  }));
}

Deno.test("CertificatesSeen lets a chain go along at first and when it changes, for each site", () => {
  const seen = new CertificatesSeen(new FakeClock());
  const [one, other] = [site(), site()];
  assertEquals([1, 2, 3].map(() => seen.isDue(one, chain("A", "CA"))), [true, false, false]);
  assertEquals(seen.isDue(other, chain("A", "CA")), true);
  assertEquals(seen.isDue(one, chain("B", "CA")), true, "another leaf");
  assertEquals(seen.isDue(one, chain("B", "CA2")), true, "another issuer");
  assertEquals(seen.isDue(one, chain("B")), true, "a shorter chain");
  assertEquals(seen.isDue(one, chain("B")), false);
});

Deno.test("CertificatesSeen lets a chain go along once a day", async () => {
  const clock = new FakeClock();
  const seen = new CertificatesSeen(clock);
  const one = site();
  const due: number[] = [];
  for (let hour = 0; hour < 72; hour++) {
    if (seen.isDue(one, chain("A"))) due.push(hour);
    await clock.advance(HOUR_MS);
  }
  assertEquals(due, [0, 24, 48]);
});

Deno.test("CertificatesSeen has nothing to say of a site without a chain", () => {
  const seen = new CertificatesSeen(new FakeClock());
  assertEquals(seen.isDue(site(), []), false);
});
