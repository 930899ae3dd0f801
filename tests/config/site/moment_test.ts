import { assertEquals } from "@std/assert";
import { parseMoment } from "../../../config/site/maintenance.ts";

const EVENING = Date.UTC(2026, 0, 31, 22);

Deno.test("parseMoment() takes times as YAML and persons write them, in UTC where they do not say", () => {
  const cases: [unknown, number][] = [
    [new Date(EVENING), EVENING],
    ["2026-01-31 22:00", EVENING],
    ["2026-01-31T22:00:00Z", EVENING],
    ["2026-01-31 22:00:00.25", EVENING + 250],
    ["2026-01-31 23:00 +01:00", EVENING],
    ["2026-01-31 23:00+01", EVENING],
    ["2026-01-31 16:30:00-0530", EVENING],
    ["2026-01-31", EVENING - 22 * 3_600_000],
    ["2028-02-29 00:00", Date.UTC(2028, 1, 29)],
  ];
  for (const [given, expected] of cases) assertEquals(parseMoment(given), expected, String(given));
});

Deno.test("parseMoment() refuses what is no time", () => {
  const bad = ["", "tomorrow", "22:00", "2026-01-31 22", "2026-1-31", "2026-02-30", "2026-13-01"];
  for (
    const given of [
      ...bad,
      "2027-02-29",
      "2026-01-31 24:00",
      "2026-01-31 22:60",
      "2026-01-31 22:00:60",
      "2026-01-31 22:00 +15:00",
      "2026-01-31 22:00 CET",
      "2026-01-31Z",
      new Date(NaN),
      1_769_896_800,
      null,
    ]
  ) assertEquals(parseMoment(given), null, String(given));
});
