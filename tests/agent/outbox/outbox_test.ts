import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { spawn } from "node:child_process";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { Outbox } from "../../../agent/outbox/outbox.ts";
import { ThreadError } from "../../../runtime/thread/thread.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { until, withFolder } from "../support.ts";
import { messages, NEVER, options, values } from "./support.ts";

Deno.test("Outbox gives what was added, in order, each once, and forgets what is removed", async () => {
  await withFolder(async (folder) => {
    const outbox = await Outbox.open(options(folder));
    for (const message of messages(1, 5)) outbox.add(message);
    assertEquals(outbox.waiting, 5);
    const first = await outbox.next(3, 2 ** 20, NEVER);
    assertEquals(first.map(({ value }) => value), ["v1", "v2", "v3"]);
    const second = await outbox.next(3, 2 ** 20, NEVER);
    assertEquals(second.map(({ value }) => value), ["v4", "v5"]);
    outbox.remove(first.map(({ id }) => id));
    assertEquals(outbox.waiting, 2);
    outbox.refuse(second[0]!, "MESSAGE_TOO_LARGE");
    outbox.add({ key: "k", value: "v6" });
    assertEquals(outbox.waiting, 2);
    await outbox.close();
    assertEquals(values(folder), ["v5", "v6"]);

    const again = await Outbox.open(options(folder));
    assertEquals(again.waiting, 2);
    again.add({ key: "k", value: "v7" });
    const all = [...await again.next(10, 2 ** 20, NEVER), ...await again.next(10, 2 ** 20, NEVER)];
    assertEquals(all.map(({ value }) => value), ["v5", "v6", "v7"]);
    await again.close();
  });
});

Deno.test("Outbox.next() waits for a result; it ends when told to and all are read", async () => {
  await withFolder(async (folder) => {
    const outbox = await Outbox.open(options(folder));
    const stop = new AbortController();
    const coming = outbox.next(10, 2 ** 20, stop.signal);
    outbox.add({ key: "k", value: "v1" });
    assertEquals((await coming).length, 1);
    outbox.add({ key: "k", value: "v2" });
    await outbox.flush();
    const none = outbox.next(10, 2 ** 20, stop.signal).then((rows) => rows.length);
    assertEquals(await none, 1);
    const ended = outbox.next(10, 2 ** 20, stop.signal);
    stop.abort();
    assertEquals(await ended, []);
    await outbox.close();
  });
});

Deno.test("Outbox keeps named values with the results", async () => {
  await withFolder(async (folder) => {
    const outbox = await Outbox.open(options(folder));
    assertEquals(outbox.meta, {});
    outbox.keep({ a: "1", b: "2" });
    outbox.keep({ a: "3" });
    outbox.add({ key: "k", value: "v1" });
    await outbox.close();
    const again = await Outbox.open(options(folder));
    assertEquals({ ...again.meta }, { a: "3", b: "2" });
    await again.close();
  });
});

Deno.test("Outbox refuses a file that another has", async () => {
  await withFolder(async (folder) => {
    const outbox = await Outbox.open(options(folder));
    const error = await assertRejects(() => Outbox.open(options(folder)), ThreadError);
    assertEquals(error.kind, "locked");
    outbox.add({ key: "k", value: "v1" });
    await outbox.close();
    assertEquals(values(folder), ["v1"]);
  });
});

Deno.test("Outbox keeps on disk what was added, whatever happens to the process then", async () => {
  await withFolder(async (folder) => {
    const adder = fileURLToPath(new URL("./adder.ts", import.meta.url));
    const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
    const child = spawn(execPath, ["run", "-A", "--config", config, adder, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => text += chunk);
    const ended = new Promise((resolve) => child.on("close", resolve));
    // Each line is a number that the outbox has given back, as it does after its transaction.
    const last = () => Number(text.split("\n").at(-2) ?? 0);
    await until(() => last() > 500, "500 results are on disk");
    child.kill("SIGKILL");
    await ended;
    const kept = values(folder).map(Number);
    assertEquals(kept, kept.map((_, i) => i + 1));
    assertLessOrEqual(last(), kept.length);
  });
});

Deno.test("Outbox begins to write a result within 60 ms, which leaves 40 for the transaction", async () => {
  await withFolder(async (folder) => {
    const clock = new FakeClock();
    const outbox = await Outbox.open(options(folder, { clock }));
    for (const message of messages(1, 5)) {
      outbox.add(message);
      await clock.advance(60);
      // A row is read back only after its transaction.
      let read: unknown[] = [];
      void outbox.next(1, 2 ** 20, NEVER).then((rows) => read = rows);
      await until(() => read.length === 1, "it is read back");
    }
    await outbox.close();
  });
});

Deno.test("Outbox past its size drops the oldest, counts them, and logs it as an error", async () => {
  await withFolder(async (folder) => {
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { maxBytes: 2 ** 20, log }));
    const total = 2_000;
    for (const message of messages(1, total, "x".repeat(1_000))) outbox.add(message);
    await outbox.flush();
    assert(outbox.waiting < 800 && outbox.waiting > 500, `${outbox.waiting} wait`);
    assertEquals(outbox.dropped + outbox.waiting, total);
    const ids: number[] = [];
    while (ids.length < outbox.waiting) {
      ids.push(...(await outbox.next(1_000, 2 ** 20, NEVER)).map(({ id }) => id));
    }
    assertEquals(ids, messages(outbox.dropped + 1, total).map((_, i) => outbox.dropped + 1 + i));
    await outbox.close();
    const errors = log.lines.filter(({ level }) => level === "error");
    const counted = errors.map(({ fields }) => Number(fields.count));
    assertEquals(counted.reduce((sum, count) => sum + count), total - ids.length);
    assertEquals(errors.every(({ fields }) => fields.why === "over agent.outbox_max_bytes"), true);
  });
});

Deno.test("Outbox does not drop what was given out and may be on its way", async () => {
  await withFolder(async (folder) => {
    const outbox = await Outbox.open(options(folder, { maxBytes: 2 ** 20 }));
    const value = "x".repeat(1_000);
    for (const message of messages(1, 20, value)) outbox.add(message);
    const given = await outbox.next(20, 2 ** 20, NEVER);
    assertEquals(given.length, 20);
    for (const message of messages(21, 1_000, value)) outbox.add(message);
    await outbox.flush();
    outbox.remove(given.map(({ id }) => id));
    await outbox.flush();
    assertEquals(outbox.dropped + outbox.waiting + 20, 1_000);
    const rest = [];
    while (rest.length < outbox.waiting) rest.push(...await outbox.next(1_000, 2 ** 20, NEVER));
    assertEquals(rest.map(({ id }) => id).at(-1), 1_000);
    assertEquals(rest.length, outbox.waiting);
    await outbox.close();
  });
});
