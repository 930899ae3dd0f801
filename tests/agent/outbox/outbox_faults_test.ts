import { assert, assertEquals } from "@std/assert";
import type { Worker } from "node:worker_threads";
import { Outbox } from "../../../agent/outbox/outbox.ts";
import { Publisher } from "../../../agent/publish.ts";
import { AgentStats } from "../../../agent/stats.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { startWorker } from "../../../runtime/thread/thread.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { until, withFolder } from "../support.ts";
import { messages, NEVER, options, values } from "./support.ts";

Deno.test("Outbox on a full disk keeps results in memory, and writes them when there is room", async () => {
  await withFolder(async (folder) => {
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { maxPages: 60, log }));
    const long = "x".repeat(1_000);
    for (const message of messages(1, 100, long)) outbox.add(message);
    assertEquals(await outbox.flush(), true);
    for (const message of messages(101, 250, long)) outbox.add(message);
    assertEquals(await outbox.flush(), false);
    assertEquals([outbox.waiting, outbox.dropped], [250, 0]);

    // The broker takes what is on disk: that makes room.
    const seen: number[] = [];
    while (seen.length < 250) {
      const rows = await outbox.next(50, 2 ** 20, NEVER);
      seen.push(...rows.map(({ id }) => id));
      outbox.remove(rows.map(({ id }) => id));
    }
    assertEquals(seen, messages(1, 250).map((_, i) => i + 1));
    await outbox.flush();
    assertEquals([outbox.waiting, outbox.dropped], [0, 0]);
    await outbox.close();
    assertEquals(log.lines.map(({ level, message }) => [level, message.slice(0, 26)]), [
      ["error", "Cannot write to the outbox"],
      ["notice", "The outbox can be written "],
    ]);
  });
});

Deno.test("Outbox that cannot be written holds 10,000 results, then loses the oldest, counted", async () => {
  await withFolder(async (folder) => {
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { maxPages: 20, log }));
    for (const message of messages(1, 10_100, "x".repeat(100))) outbox.add(message);
    assertEquals(await outbox.flush(), false);
    const onDisk = outbox.waiting - 10_000;
    assert(onDisk <= 0, "none of the first transaction fits");
    assertEquals(outbox.waiting + outbox.dropped, 10_100);
    assertEquals([outbox.dropped, outbox.failing], [100, true]);
    await outbox.close();
    assertEquals(outbox.dropped, 10_100 - values(folder).length);
    const errors = log.lines.filter(({ level }) => level === "error");
    const counted = errors.map(({ fields }) => Number(fields.count ?? 0));
    assertEquals(counted.reduce((sum, count) => sum + count, 0), outbox.dropped);
  });
});

Deno.test("Outbox on a full disk tries again after a second, and not before, whatever waits", async () => {
  await withFolder(async (folder) => {
    const clock = new FakeClock();
    let applied = 0;
    const startThread = () => {
      const worker = startWorker("outbox");
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (request: { name: string }) => {
        if (request.name === "apply") applied++;
        post(request);
      };
      return worker;
    };
    const outbox = await Outbox.open(options(folder, { maxPages: 20, clock, startThread }));
    for (const message of messages(1, 3_000, "x".repeat(100))) outbox.add(message);
    assertEquals(await outbox.flush(), false);
    const before = applied;
    await clock.advance(999);
    // Comes behind what is under way.
    await outbox.next(1, 2 ** 20, NEVER);
    assertEquals(applied, before);
    await clock.advance(1);
    await outbox.next(1, 2 ** 20, NEVER);
    assertEquals(applied, before + 1);
    await outbox.close();
  });
});

Deno.test("Outbox whose thread dies starts another and loses nothing", async () => {
  await withFolder(async (folder) => {
    const threads: Worker[] = [];
    const startThread = () => {
      threads.push(startWorker("outbox"));
      return threads.at(-1)!;
    };
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { startThread, log }));
    for (const message of messages(1, 10)) outbox.add(message);
    const first = await outbox.next(4, 2 ** 20, NEVER);
    await threads[0]!.terminate();
    for (const message of messages(11, 20)) outbox.add(message);
    await until(() => outbox.flush(), "it writes again");
    assertEquals(first.length, 4);
    // Nobody has acknowledged the first ones.
    const all = [];
    while (all.length < 20) all.push(...await outbox.next(100, 2 ** 20, NEVER));
    assertEquals(all.map(({ value }) => value), messages(1, 20).map((m) => m.value));
    assertEquals([outbox.waiting, outbox.dropped, threads.length], [20, 0, 2]);
    assertEquals(log.lines[0]!.message, "The outbox's thread ended; another takes its place");
    await outbox.close();
    assertEquals(values(folder).length, 20);
  });
});

Deno.test("Outbox.close() leaves nothing running, also when called on a full disk", async () => {
  await withFolder(async (folder) => {
    const outbox = await Outbox.open(options(folder, { maxPages: 6 }));
    for (const message of messages(1, 500, "x".repeat(100))) outbox.add(message);
    await outbox.close();
    assertEquals(outbox.dropped + values(folder).length, 500);
  });
});

Deno.test("Outbox on a full disk gives out every result, more than it holds in memory", async () => {
  await withFolder(async (folder) => {
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { maxPages: 6, log }));
    const long = "x".repeat(3_000);
    const total = 12_000;
    const seen: number[] = [];
    for (let from = 1; from <= total; from += 500) {
      for (const message of messages(from, from + 499, long)) outbox.add(message);
      while (seen.length < from + 499) {
        const rows = await outbox.next(500, 900_000, NEVER);
        seen.push(...rows.map(({ id }) => id));
        outbox.remove(rows.map(({ id }) => id));
      }
    }
    assertEquals(seen, messages(1, total).map((_, i) => i + 1));
    assertEquals([outbox.waiting, outbox.dropped, outbox.failing], [0, 0, true]);
    await outbox.close();
    assertEquals([outbox.dropped, values(folder)], [0, []]);
    assertEquals(log.lines.map(({ level }) => level), ["error"]);
  });
});

Deno.test("Outbox keeps what was given out from memory until it is removed", async () => {
  await withFolder(async (folder) => {
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { maxPages: 60, log }));
    const long = "x".repeat(1_000);
    for (const message of messages(1, 100, long)) outbox.add(message);
    assertEquals(await outbox.flush(), true);
    for (const message of messages(101, 250, long)) outbox.add(message);
    assertEquals(await outbox.flush(), false);
    const given = [];
    while (given.length < 250) given.push(...await outbox.next(100, 2 ** 20, NEVER));
    assertEquals(given.map(({ id }) => id), messages(1, 250).map((_, i) => i + 1));
    // Only some are acknowledged, one is refused: the others are written when there is room.
    outbox.remove(given.slice(0, 240).map(({ id }) => id));
    outbox.refuse(given[240]!, "R");
    assertEquals(await outbox.flush(), true);
    assertEquals([outbox.waiting, outbox.dropped, outbox.failing], [9, 0, false]);
    await outbox.close();
    assertEquals(values(folder).map((value) => Number(value.slice(1_000))), [
      ...[242, 243, 244, 245, 246, 247, 248, 249, 250],
    ]);
  });
});

Deno.test("Outbox and Publisher bring every result to the broker though the disk is full", async () => {
  await withFolder(async (folder) => {
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { maxPages: 6, log }));
    const sent: string[] = [];
    const send = (batch: readonly { value: string }[]) => {
      sent.push(...batch.map(({ value }) => value));
      return Promise.resolve();
    };
    const draining = new AbortController();
    const stats = new AgentStats();
    const publishing = new Publisher({ outbox, send, clock: systemClock, log, stats })
      .run(draining.signal, NEVER);
    const all = messages(1, 300, "x".repeat(3_000));
    for (const message of all.slice(0, 150)) outbox.add(message);
    await until(() => sent.length === 150, "the first are sent");
    for (const message of all.slice(150)) outbox.add(message);
    await outbox.flush();
    draining.abort();
    await publishing;
    await outbox.close();
    assertEquals(sent, all.map(({ value }) => value));
    assertEquals([outbox.waiting, outbox.dropped], [0, 0]);
  });
});

Deno.test("Outbox counts refused results that it does not keep as dropped", async () => {
  await withFolder(async (folder) => {
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { log }));
    for (const message of messages(1, 10_001)) {
      outbox.add(message);
      if (Number(message.value.slice(1)) % 5_000 === 0) await outbox.flush();
    }
    await outbox.flush();
    const rows = [];
    while (rows.length < 10_001) rows.push(...await outbox.next(1_000, 2 ** 20, NEVER));
    for (const row of rows) outbox.refuse(row, "R");
    await outbox.flush();
    assertEquals([outbox.waiting, outbox.dropped], [0, 1]);
    await outbox.close();
    assertEquals(log.lines.map(({ level, fields, message }) => [level, fields, message]), [
      [
        "error",
        {
          count: 1,
          why: "refused by the broker, and over 10000 or over agent.outbox_max_bytes",
          waiting: 0,
          dropped: 1,
        },
        "Dropped results, the oldest",
      ],
    ]);
  });
});

Deno.test("Outbox that can neither read nor write its disk gives out what waits in memory", async () => {
  await withFolder(async (folder) => {
    const log = recordingLog();
    const disk = { fails: false };
    const startThread = () => failingThread(startWorker("outbox"), disk);
    const before = await Outbox.open(options(folder));
    for (const message of messages(1, 5)) before.add(message);
    await before.close();
    const outbox = await Outbox.open(options(folder, { startThread, log }));
    disk.fails = true;
    const sent: string[] = [];
    const send = (batch: readonly { value: string }[]) => {
      sent.push(...batch.map(({ value }) => value));
      return Promise.resolve();
    };
    const draining = new AbortController();
    const stats = new AgentStats();
    const publishing = new Publisher({ outbox, send, clock: systemClock, log, stats })
      .run(draining.signal, NEVER);
    for (const [from, to] of [[6, 10], [11, 30]] as const) {
      for (const message of messages(from, to)) outbox.add(message);
      await until(() => sent.length === to - 5, "what was added is sent");
    }
    assertEquals([outbox.waiting, outbox.failing], [5, true]);
    disk.fails = false;
    await until(() => sent.length === 30, "the rest is sent");
    draining.abort();
    await publishing;
    await outbox.close();
    const all = messages(1, 30).map(({ value }) => value);
    assertEquals(sent, [...all.slice(5), ...all.slice(0, 5)]);
    assertEquals([outbox.waiting, outbox.dropped, values(folder)], [0, 0, []]);
  });
});

/** `worker`, whose disk gives errors while it `fails`. */
function failingThread(worker: Worker, disk: { fails: boolean }): Worker {
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (request: unknown) => {
    const failure = { ok: false, kind: "other", message: "disk I/O error" };
    if (disk.fails) queueMicrotask(() => worker.emit("message", failure));
    else post(request);
  };
  return worker;
}
