import { assertEquals, assertRejects } from "@std/assert";
import { Worker } from "node:worker_threads";
import { Thread, ThreadError } from "../../../runtime/thread/thread.ts";
import type { ChildHandlers } from "./thread_child.ts";

async function withThread(
  body: (thread: Thread<ChildHandlers>, worker: Worker) => Promise<void>,
): Promise<void> {
  const worker = new Worker(new URL("./thread_child.ts", import.meta.url));
  const thread = new Thread<ChildHandlers>(worker, "tests");
  try {
    await body(thread, worker);
  } finally {
    await thread.end();
  }
}

Deno.test("Thread.call() gives each answer to its question, one at a time and in order", async () => {
  await withThread(async (thread) => {
    const order: string[] = [];
    const ask = async (value: string, ms: number) => {
      order.push(await thread.call("later", { ms, value }));
    };
    await Promise.all([ask("a", 30), ask("b", 0), ask("c", 10)]);
    assertEquals(order, ["a", "b", "c"]);
  });
});

Deno.test("Thread.call() hands a buffer over", async () => {
  await withThread(async (thread) => {
    const bytes = new Uint8Array(1_000);
    assertEquals(await thread.call("length", bytes, [bytes.buffer]), 1_000);
    assertEquals(bytes.length, 0);
  });
});

Deno.test("Thread.call() fails as its handler does, with the error's kind, and goes on", async () => {
  await withThread(async (thread) => {
    for (const [kind, message] of [[null, "plain"], ["full", "marked"]] as const) {
      const error = await assertRejects(() => thread.call("fail", kind), ThreadError);
      assertEquals([error.message, error.kind], [message, kind]);
    }
    assertEquals(await thread.call("later", { ms: 0, value: "on" }), "on");
  });
});

Deno.test("Thread fails all that waits when it dies or is ended, and what comes after", async () => {
  await withThread(async (thread) => {
    const waiting = assertRejects(
      () => thread.call("later", { ms: 60_000, value: "" }),
      ThreadError,
      "The thread that tests failed: it was stopped",
    );
    await thread.end();
    await waiting;
    assertEquals(thread.dead, true);
    await assertRejects(() => thread.call("fail", null), ThreadError, "it was stopped");
  });
  await withThread(async (thread, worker) => {
    const waiting = assertRejects(
      () => thread.call("later", { ms: 60_000, value: "" }),
      ThreadError,
      "The thread that tests failed: it ended",
    );
    await worker.terminate();
    await waiting;
    assertEquals(thread.dead, true);
  });
});
