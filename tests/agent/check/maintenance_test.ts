import { assertEquals } from "@std/assert";
import { Cron } from "croner";
import { MaintenanceCalendar } from "../../../agent/check/maintenance.ts";
import type { Maintenance } from "../../../config/types.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function cron(expression: string, durationMs: number, timeZone = "UTC"): Maintenance {
  return { kind: "cron", cron: expression, durationMs, timeZone };
}

/** Whether a maintenance is on at each moment, in their order, by one calendar. */
function on(maintenance: Maintenance, ...moments: string[]): boolean[] {
  const calendar = new MaintenanceCalendar();
  return moments.map((moment) => calendar.isOn([maintenance], Date.parse(moment)));
}

Deno.test("MaintenanceCalendar is on from the start up to the end, which is out", () => {
  const nightly = cron("0 2 * * *", 30 * MINUTE_MS);
  assertEquals(
    on(
      nightly,
      "2026-03-01T01:59:59.999Z",
      "2026-03-01T02:00:00.000Z",
      "2026-03-01T02:29:59.999Z",
      "2026-03-01T02:30:00.000Z",
      "2026-03-02T02:00:00.000Z",
      "2026-03-02T02:30:00.000Z",
    ),
    [false, true, true, false, true, false],
  );
});

Deno.test("MaintenanceCalendar finds the same when the clock is set back", () => {
  const nightly = cron("0 2 * * *", 30 * MINUTE_MS);
  assertEquals(
    on(
      nightly,
      "2026-03-02T12:00:00Z",
      "2026-03-02T02:10:00Z",
      "2026-03-02T01:00:00Z",
      "2026-03-01T02:10:00Z",
      "2026-03-02T12:00:00Z",
    ),
    [false, true, false, true, false],
  );
});

Deno.test("MaintenanceCalendar goes by the time zone, over the change to summer time", () => {
  const nightly = cron("30 1 * * *", HOUR_MS, "Europe/Berlin");
  assertEquals(
    on(
      nightly,
      "2026-01-10T00:29:59Z",
      "2026-01-10T00:30:00Z",
      "2026-01-10T01:30:00Z",
      "2026-07-10T00:29:59Z",
      "2026-07-09T23:30:00Z",
      // 02:00 becomes 03:00 in this maintenance: it still lasts an hour.
      "2026-03-29T00:30:00Z",
      "2026-03-29T01:29:59Z",
      "2026-03-29T01:30:00Z",
    ),
    [false, true, false, true, true, true, true, false],
  );
});

Deno.test("MaintenanceCalendar joins maintenances that overlap", () => {
  const hourly = cron("0 * * * *", 2 * HOUR_MS);
  assertEquals(
    on(hourly, "2026-03-01T00:10:00Z", "2026-03-01T01:59:59Z", "2026-03-01T02:00:00Z"),
    [true, true, true],
  );
});

Deno.test("MaintenanceCalendar is never on where the cron expression never fires", () => {
  const never = cron("0 0 30 2 *", HOUR_MS);
  assertEquals(on(never, "2026-02-28T00:00:00Z", "2096-03-02T00:00:00Z"), [false, false]);
});

Deno.test("MaintenanceCalendar knows a maintenance that comes once", () => {
  const once: Maintenance = {
    kind: "once",
    from: Date.parse("2026-05-01T22:00:00Z"),
    to: Date.parse("2026-05-02T04:00:00Z"),
  };
  assertEquals(
    on(
      once,
      "2026-05-01T21:59:59.999Z",
      "2026-05-01T22:00:00Z",
      "2026-05-02T03:59:59Z",
      "2026-05-02T04:00:00Z",
    ),
    [false, true, true, false],
  );
});

Deno.test("MaintenanceCalendar is on where any of several is", () => {
  const calendar = new MaintenanceCalendar();
  const both = [cron("0 2 * * *", HOUR_MS), cron("0 14 * * *", HOUR_MS)];
  const at = (time: string) => calendar.isOn(both, Date.parse(`2026-03-01T${time}:00Z`));
  assertEquals([at("02:30"), at("03:00"), at("14:59"), at("15:00")], [true, false, true, false]);
  assertEquals(calendar.isOn([], Date.now()), false);
});

Deno.test("MaintenanceCalendar asks the cron expression once a window, not once a check", () => {
  const start = Date.parse("2026-03-01T00:00:00Z");
  const nightly = cron("0 2 * * *", HOUR_MS, "America/New_York");
  const kept = new MaintenanceCalendar();
  const { nextRun } = Cron.prototype;
  let asked = 0;
  Cron.prototype.nextRun = function (...args) {
    asked++;
    return nextRun.apply(this, args);
  };
  try {
    const minutes = Array.from({ length: 24 * 60 }, (_, i) => start + i * MINUTE_MS);
    assertEquals(minutes.filter((now) => kept.isOn([nightly], now)).length, 60);
  } finally {
    Cron.prototype.nextRun = nextRun;
  }
  assertEquals(asked, 3, "before it, in it and after it");
});
