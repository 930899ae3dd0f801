import { assertEquals } from "@std/assert";
import type { Row } from "../../../agent/outbox/protocol.ts";
import { Reader } from "../../../agent/outbox/reader.ts";

const NEVER = new AbortController().signal;

const NONE = () => Promise.resolve([]);

function row(id: number): Row {
  return { id, key: "k", value: "v" };
}

Deno.test("Reader asks for rows after those it gave, once there are any", async () => {
  const asked: number[] = [];
  const reader = new Reader(
    (after, limit) => {
      asked.push(after);
      return Promise.resolve([row(after + 1), row(after + 2)].slice(0, limit));
    },
    NONE,
    () => {},
  );
  const coming = reader.next(2, 100, NEVER);
  await Promise.resolve();
  assertEquals(asked, []);
  reader.storedThrough(3);
  assertEquals((await coming).map(({ id }) => id), [1, 2]);
  assertEquals((await reader.next(1, 100, NEVER)).map(({ id }) => id), [3]);
  assertEquals([asked, reader.givenThrough], [[0, 2], 3]);
});

Deno.test("Reader counts everything as given out while it reads", async () => {
  let answer = (_: Row[]) => {};
  const reader = new Reader(() => new Promise((resolve) => answer = resolve), NONE, () => {});
  reader.storedThrough(5);
  const coming = reader.next(10, 100, NEVER);
  assertEquals(reader.givenThrough, Infinity);
  answer([row(1), row(2)]);
  await coming;
  assertEquals(reader.givenThrough, 2);
});

Deno.test("Reader passes rows by that a cap dropped", async () => {
  const answers = [[], [row(8)]];
  const reader = new Reader(() => Promise.resolve(answers.shift()!), NONE, () => {});
  reader.storedThrough(5);
  const coming = reader.next(10, 100, NEVER);
  await new Promise((resolve) => setTimeout(resolve, 0));
  reader.storedThrough(8);
  assertEquals((await coming).map(({ id }) => id), [8]);
});

Deno.test("Reader tells of a failed read, and reads again when more is stored, or ends when told", async () => {
  const failures: unknown[] = [];
  let fails = true;
  const reader = new Reader(
    (after) => fails ? Promise.reject("no disk") : Promise.resolve([row(after + 1)]),
    NONE,
    (error) => void failures.push(error),
  );
  const stop = new AbortController();
  reader.storedThrough(1);
  const coming = reader.next(10, 100, stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(failures, ["no disk"]);
  fails = false;
  reader.storedThrough(1);
  assertEquals((await coming).length, 1);
  fails = true;
  reader.storedThrough(2);
  stop.abort();
  assertEquals(await reader.next(10, 100, stop.signal), []);
});

Deno.test("Reader gives what is not stored after all that is, and none of it again when it is", async () => {
  const asked: number[] = [];
  let unwritten = [row(3), row(4)];
  const reader = new Reader(
    (after) => {
      asked.push(after);
      return Promise.resolve([1, 2, 3, 4, 5].filter((id) => id > after).map(row));
    },
    (after) => Promise.resolve(unwritten.filter(({ id }) => id > after)),
    () => {},
  );
  const ids = async () => (await reader.next(10, 100, NEVER)).map(({ id }) => id);
  assertEquals(await ids(), [3, 4]);
  reader.storedThrough(4);
  unwritten = [];
  const coming = ids();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([asked, reader.givenThrough], [[], 4]);
  reader.storedThrough(5);
  assertEquals(await coming, [5]);
  const later = ids();
  await new Promise((resolve) => setTimeout(resolve, 0));
  unwritten = [row(6)];
  reader.unwrittenChanged();
  assertEquals(await later, [6]);
});

Deno.test("Reader gives what is not stored where what is cannot be read, and that when it can", async () => {
  let fails = true;
  let reads = 0;
  let unwritten = [row(3), row(4)];
  const reader = new Reader(
    (after) => {
      reads++;
      return fails
        ? Promise.reject("no disk")
        : Promise.resolve([1, 2].filter((id) => id > after).map(row));
    },
    (after) => Promise.resolve(unwritten.filter(({ id }) => id > after)),
    () => reader.unwrittenChanged(),
  );
  const ids = async () => (await reader.next(10, 100, NEVER)).map(({ id }) => id);
  reader.storedThrough(2);
  assertEquals(await ids(), [3, 4]);
  const later = ids();
  await new Promise((resolve) => setTimeout(resolve, 0));
  unwritten = [row(5)];
  reader.unwrittenChanged();
  assertEquals([await later, reads], [[5], 1]);
  const stored = ids();
  await new Promise((resolve) => setTimeout(resolve, 0));
  reader.storedThrough(2);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(reads, 2);
  fails = false;
  reader.storedThrough(2);
  assertEquals(await stored, [1, 2]);
  const last = ids();
  await new Promise((resolve) => setTimeout(resolve, 0));
  unwritten = [row(6)];
  reader.unwrittenChanged();
  assertEquals([await last, reader.givenThrough], [[6], 6]);
});

Deno.test("Reader asks again where rows came while it was told that there are none", async () => {
  const unwritten: Row[] = [];
  const reader = new Reader(NONE, () => {
    const rows = [...unwritten];
    // After the answer is made, before it is heard.
    if (rows.length === 0) {
      unwritten.push(row(1));
      reader.unwrittenChanged();
    }
    return Promise.resolve(rows);
  }, () => {});
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 1_000);
  const rows = await reader.next(10, 100, stop.signal);
  assertEquals([rows, stop.signal.aborted], [[row(1)], false]);
  clearTimeout(timer);
});
