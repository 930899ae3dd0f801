import { assertEquals } from "@std/assert";
import { Outbox } from "../../../agent/outbox/outbox.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { withFolder } from "../support.ts";
import { messages, NEVER, options, patientClock } from "./support.ts";

Deno.test("Outbox.oldestAt is when the oldest result that waits was added, also after a restart", async () => {
  await withFolder(async (folder) => {
    let now = 1_000;
    const clock = { ...patientClock, now: () => now, monotonic: () => now - 1_000 };
    const first = await Outbox.open(options(folder, { clock }));
    assertEquals(first.oldestAt, null);
    first.add({ key: "k", value: "v1" });
    now = 2_000;
    first.add({ key: "k", value: "v2" });
    assertEquals(first.oldestAt, 1_000);
    await first.flush();
    assertEquals(first.oldestAt, 1_000);
    await first.close();

    now = 3_000;
    const again = await Outbox.open(options(folder, { clock }));
    assertEquals(again.oldestAt, 1_000);
    again.add({ key: "k", value: "v3" });
    const [v1, v2] = await again.next(10, 2 ** 20, NEVER);
    again.remove([v1!.id]);
    await again.flush();
    assertEquals(again.oldestAt, 2_000);
    again.remove([v2!.id]);
    await again.flush();
    assertEquals(again.oldestAt, 3_000);
    const [v3] = await again.next(10, 2 ** 20, NEVER);
    again.remove([v3!.id]);
    // Known to be gone before the disk is.
    assertEquals([again.waiting, again.oldestAt], [0, null]);
    await again.close();
  });
});

Deno.test("Outbox does not take a clock that was set for age; real age still drops", async () => {
  await withFolder(async (folder) => {
    let wall = Date.UTC(2026, 0, 1);
    let monotonic = 0;
    const clock = {
      ...patientClock,
      now: () => wall,
      monotonic: () => monotonic,
    };
    const log = recordingLog();
    const week = 168 * 3_600_000;
    const pass = (ms: number) => {
      wall += ms;
      monotonic += ms;
    };
    const outbox = await Outbox.open(options(folder, { clock, log, maxAgeMs: week }));
    for (const message of messages(1, 3)) outbox.add(message);
    assertEquals(await outbox.flush(), true);
    for (const [i, days] of [8, -20, 30].entries()) {
      wall += days * 86_400_000;
      outbox.add({ key: "k", value: `${days}` });
      assertEquals(await outbox.flush(), true);
      assertEquals([outbox.waiting, outbox.dropped, outbox.oldestAt], [4 + i, 0, wall]);
    }
    await outbox.close();

    // Known after a restart, in which the clock went back to before the results.
    wall -= 3_000 * 86_400_000;
    monotonic = 7;
    const again = await Outbox.open(options(folder, { clock, log, maxAgeMs: week }));
    assertEquals(again.oldestAt, wall);
    wall += 4_000 * 86_400_000;
    again.add({ key: "k", value: "v4" });
    assertEquals(await again.flush(), true);
    assertEquals([again.waiting, again.dropped], [7, 0]);

    pass(week - 1);
    again.add({ key: "k", value: "v5" });
    await again.flush();
    assertEquals([again.waiting, again.dropped], [8, 0]);
    pass(2);
    again.add({ key: "k", value: "v6" });
    await again.flush();
    assertEquals([again.waiting, again.dropped], [2, 7]);
    await again.close();
  });
});

Deno.test("Outbox counts the time between two processes as age", async () => {
  await withFolder(async (folder) => {
    let wall = Date.UTC(2026, 0, 1);
    const clock = { ...patientClock, now: () => wall };
    const first = await Outbox.open(options(folder, { clock }));
    first.add({ key: "k", value: "v1" });
    await first.close();
    wall += 86_400_000 + 60_000;
    const again = await Outbox.open(options(folder, { clock }));
    again.add({ key: "k", value: "v2" });
    await again.flush();
    assertEquals([again.waiting, again.dropped], [1, 1]);
    await again.close();
  });
});
