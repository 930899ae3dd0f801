import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import type { Row } from "../../agent/outbox/store.ts";
import { Publisher } from "../../agent/publish.ts";
import { AgentStats } from "../../agent/stats.ts";
import { RefusedError } from "../../kafka/errors.ts";
import type { OutgoingMessage, Send } from "../../kafka/sender.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";

/** An outbox in memory, with what became of each row. */
function memoryOutbox(count: number) {
  const rows: Row[] = Array.from({ length: count }, (_, i) => {
    return { id: i + 1, key: `k${i + 1}`, value: `v${i + 1}` };
  });
  const removed: number[] = [];
  const refused: [number, string][] = [];
  return {
    removed,
    refused,
    get waiting() {
      return count - removed.length - refused.length;
    },
    next(limit: number, _maxBytes: number, signal: AbortSignal): Promise<Row[]> {
      const given = rows.splice(0, limit);
      if (given.length > 0 || signal.aborted) return Promise.resolve(given);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve([])));
    },
    remove: (ids: readonly number[]) => void removed.push(...ids),
    refuse: ({ id }: Row, reason: string) => void refused.push([id, reason]),
  };
}

function publisher(count: number, send: Send) {
  const clock = new FakeClock();
  const log = recordingLog();
  const stats = new AgentStats();
  const outbox = memoryOutbox(count);
  const draining = new AbortController();
  const deadline = new AbortController();
  const running = new Publisher({ outbox, send, clock, log, stats, random: () => 0.5 })
    .run(draining.signal, deadline.signal);
  return { clock, log, stats, outbox, draining, deadline, running };
}

/** What was sent, and a send that does what `answer` says. */
function scripted(answer: (batch: readonly OutgoingMessage[], nth: number) => void) {
  const sent: string[][] = [];
  const send: Send = (batch) => {
    sent.push(batch.map(({ value }) => value));
    try {
      answer(batch, sent.length);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  };
  return { sent, send };
}

Deno.test("Publisher sends all in order, up to 500 at a time, and removes what is acknowledged", async () => {
  const { sent, send } = scripted(() => {});
  const { running, draining, outbox, stats } = publisher(1_200, send);
  draining.abort();
  await running;
  assertEquals(sent.map((batch) => batch.length), [500, 500, 200]);
  assertEquals(sent.flat(), Array.from({ length: 1_200 }, (_, i) => `v${i + 1}`));
  assertEquals(outbox.removed.length, 1_200);
  assertEquals([stats.published, stats.sends, stats.sendFailures, stats.waiting], [1_200, 3, 0, 0]);
});

Deno.test("Publisher removes nothing before the broker acknowledges", async () => {
  let acknowledge = () => {};
  const { running, draining, outbox, clock } = publisher(
    3,
    () => new Promise((resolve) => acknowledge = resolve),
  );
  await clock.advance(60_000);
  assertEquals(outbox.removed, []);
  acknowledge();
  draining.abort();
  await running;
  assertEquals(outbox.removed, [1, 2, 3]);
});

Deno.test("Publisher tries again, later each time, for as long as it takes, and tells of it now and then", async () => {
  const times: number[] = [];
  let up = false;
  const { sent, send } = scripted(() => {
    times.push(test.clock.monotonic());
    if (!up) throw new Error("no broker");
  });
  const test = publisher(3, send);
  await test.clock.advance(3_600_000);
  const waits = times.slice(1).map((at, i) => at - times[i]!);
  assertEquals(waits.slice(0, 8), [187.5, 375, 750, 1_500, 3_000, 6_000, 11_250, 11_250]);
  assertEquals(Math.max(...waits), 11_250);
  assertEquals(test.outbox.removed, []);
  up = true;
  await test.clock.advance(15_000);
  assertEquals(test.outbox.removed, [1, 2, 3]);
  assertEquals(new Set(sent.map((batch) => batch.join())).size, 1);
  const told = test.log.lines.filter(({ level }) => level !== "debug");
  assertEquals(told.map(({ level, message }) => [level, message]), [
    ["error", "Cannot send to the broker; results wait in the outbox until it is back"],
    ...Array(3).fill(["error", "Still nothing can be sent to the broker"]),
    ["notice", "The broker takes results again"],
  ]);
  const { error, waiting } = told[0]!.fields;
  assertEquals([String(error), waiting], ["Error: no broker", 3]);
  assertEquals(told.at(-1)!.fields.waiting, 0);
  assertEquals(test.stats.sendFailures, sent.length - 1);
  test.draining.abort();
  await test.running;
  assertEquals(test.clock.pending, 0);
});

Deno.test("Publisher sets exactly the messages aside that the broker refuses", async () => {
  const bad = new Set(["k17", "k400", "k401"]);
  const { sent, send } = scripted((batch) => {
    if (batch.some(({ key }) => bad.has(key))) throw new RefusedError("MESSAGE_TOO_LARGE");
  });
  const { running, draining, outbox, stats, log } = publisher(1_000, send);
  draining.abort();
  await running;
  assertEquals(outbox.refused, [17, 400, 401].map((id) => [id, "MESSAGE_TOO_LARGE"]));
  const good = Array.from({ length: 1_000 }, (_, i) => i + 1).filter((id) => !bad.has(`k${id}`));
  assertEquals(outbox.removed, good);
  assertEquals([stats.published, stats.refused], [997, 3]);
  assertLessOrEqual(sent.length, 60);
  assertEquals(log.lines.map(({ level, fields }) => [level, fields.reason, fields.key]), [
    ["error", "MESSAGE_TOO_LARGE", "k17"],
    ["error", "MESSAGE_TOO_LARGE", "k400"],
    ["error", "MESSAGE_TOO_LARGE", "k401"],
  ]);
});

Deno.test("Publisher keeps on when the broker goes away while it looks for a refused message", async () => {
  const { send } = scripted((batch, nth) => {
    if (nth === 3 || nth === 5) throw new Error("no broker");
    if (batch.some(({ key }) => key === "k5")) throw new RefusedError("INVALID_TIMESTAMP");
  });
  const test = publisher(8, send);
  await test.clock.advance(60_000);
  assertEquals(test.outbox.refused, [[5, "INVALID_TIMESTAMP"]]);
  assertEquals(test.outbox.removed.toSorted(), [1, 2, 3, 4, 6, 7, 8]);
  test.draining.abort();
  await test.running;
});

Deno.test("Publisher stops at the deadline, with what is not acknowledged left in the outbox", async () => {
  for (const send of [() => new Promise<void>(() => {}), () => Promise.reject(new Error("down"))]) {
    const test = publisher(3, send);
    await test.clock.advance(1_000);
    test.draining.abort();
    await test.clock.advance(1_000);
    test.deadline.abort();
    await test.running;
    assertEquals([test.outbox.removed, test.clock.pending], [[], 0]);
  }
});

Deno.test("Publisher does not wait long for a broker while it stops", async () => {
  let tries = 0;
  const { send } = scripted(() => {
    tries++;
    throw new Error("down");
  });
  const test = publisher(1, send);
  await test.clock.advance(600_000);
  const before = tries;
  test.draining.abort();
  await test.clock.advance(10_000);
  assert(tries - before >= 10, `${tries - before} tries`);
  test.deadline.abort();
  await test.running;
});
