import { assertEquals } from "@std/assert";
import { formatTimestamp, parseTimestamp } from "../../wire/timestamp.ts";

Deno.test("formatTimestamp() gives six digits of fraction", () => {
  assertEquals(formatTimestamp(0n), "1970-01-01 00:00:00.000000");
  assertEquals(formatTimestamp(1_767_225_600_000_001n), "2026-01-01 00:00:00.000001");
});

Deno.test("formatTimestamp() takes times before 1970", () => {
  assertEquals(formatTimestamp(-1n), "1969-12-31 23:59:59.999999");
});

Deno.test("parseTimestamp() is the inverse of formatTimestamp()", () => {
  for (const us of [0n, -1n, 1n, 253_402_300_799_999_999n, -62_135_596_800_000_000n]) {
    assertEquals(parseTimestamp(formatTimestamp(us)), us);
  }
});

Deno.test("parseTimestamp() takes a fraction that is short or missing", () => {
  assertEquals(parseTimestamp("1970-01-01 00:00:01"), 1_000_000n);
  assertEquals(parseTimestamp("1970-01-01 00:00:01.5"), 1_500_000n);
});

Deno.test("parseTimestamp() knows each day of the calendar, as Date does", () => {
  const DAY_MS = 86_400_000;
  // Four centuries have all there is: 29ths of February, and years that lack one.
  for (let ms = Date.UTC(1899, 11, 31); ms < Date.UTC(2301, 0, 2); ms += DAY_MS) {
    const text = new Date(ms).toISOString().slice(0, 10);
    assertEquals(
      parseTimestamp(`${text} 23:59:59.000001`),
      BigInt(ms + DAY_MS - 1_000) * 1_000n + 1n,
    );
  }
});

const BAD = [
  "",
  "1970-01-01",
  "1970-01-01T00:00:00",
  "1970-01-01 00:00:00Z",
  "1970-01-01 00:00:00.1234567",
  "1970-1-1 00:00:00",
  "10000-01-01 00:00:00",
  "0000-01-01 00:00:00",
  "2026-02-30 00:00:00",
  "2026-13-01 00:00:00",
  "2026-01-01 24:00:00",
  "2026-01-01 00:60:00",
  "2026-01-01 00:00:60",
  " 2026-01-01 00:00:00",
  "2026-01-01 00:00:00.",
  "2026-01-01 00:00:00.1x",
  "2026-01-01 00:00:00,123",
  "20x6-01-01 00:00:00",
  "2026-01-01 00:00:0x",
  "2026/01-01 00:00:00",
  "2026-01-01 00-00:00",
  "2026-04-31 00:00:00",
  "2100-02-29 00:00:00",
  "2026-00-01 00:00:00",
  "2026-01-00 00:00:00",
];
for (const text of BAD) {
  Deno.test(`parseTimestamp() refuses "${text}"`, () => assertEquals(parseTimestamp(text), null));
}
