import { assertEquals } from "@std/assert";
import { MAX_IN_MEMORY, MAX_INSERTS_FAILING, Pending } from "../../../agent/outbox/pending.ts";

function row(id: number) {
  return { id, key: "k", value: "v", created: 0 };
}

Deno.test("Pending gives what one transaction should do, and knows what the outbox grows by", () => {
  const pending = new Pending();
  assertEquals([pending.empty, pending.growth], [true, 0]);
  for (const id of [1, 2, 3]) pending.insert(row(id));
  pending.delete([10, 11]);
  pending.refuse(12, "R");
  assertEquals([pending.empty, pending.growth], [false, 0]);
  const taken = pending.take(false);
  assertEquals(taken.inserts.map(({ id }) => id), [1, 2, 3]);
  assertEquals([taken.deletes, taken.refusals], [[10, 11], [{ id: 12, reason: "R" }]]);
  pending.insert(row(4));
  assertEquals([pending.inserts, pending.growth], [1, 1]);
  pending.done();
  assertEquals([pending.inserts, pending.growth], [1, 1]);
});

Deno.test("Pending gives again, in order, what was put back", () => {
  const pending = new Pending();
  pending.insert(row(1));
  pending.delete([10]);
  pending.take(false);
  pending.insert(row(2));
  pending.delete([11]);
  assertEquals(pending.putBack(false), 0);
  const { inserts, deletes } = pending.take(false);
  assertEquals([inserts.map(({ id }) => id), deletes], [[1, 2], [10, 11]]);
});

Deno.test("Pending, while writing fails, tries deletes alone, then few rows with them", () => {
  const pending = new Pending();
  for (let id = 1; id <= 250; id++) pending.insert(row(id));
  pending.delete([500]);
  const first = pending.take(true);
  assertEquals([first.inserts.length, first.deletes], [0, [500]]);
  pending.done();
  pending.delete([501]);
  const second = pending.take(true);
  assertEquals([second.inserts.length, second.deletes], [100, [501]]);
  pending.done();
  assertEquals(pending.take(false).inserts.length, 150);
});

Deno.test("Pending loses the oldest rows past its cap, also of what is put back", () => {
  const pending = new Pending();
  let lost = 0;
  for (let id = 1; id <= MAX_IN_MEMORY; id++) lost += pending.insert(row(id));
  assertEquals(lost, 0);
  assertEquals(pending.insert(row(MAX_IN_MEMORY + 1)), 1);
  assertEquals(pending.take(true).inserts[0]!.id, 2);
  for (let id = 1; id <= 50; id++) lost += pending.insert(row(MAX_IN_MEMORY + 1 + id));
  assertEquals([lost, pending.putBack(false)], [0, 50]);
  assertEquals(pending.take(true).inserts[0]!.id, 52);
  assertEquals(pending.abandon(), MAX_IN_MEMORY);
  assertEquals(pending.inserts, 0);
});

Deno.test("Pending forgets rows that were acknowledged from here, also while they are under way", () => {
  const pending = new Pending();
  for (let id = 1; id <= 5; id++) pending.insert(row(id));
  assertEquals(pending.give(0, 2, 100).map(({ id }) => id), [1, 2]);
  assertEquals(pending.give(2, 10, 4).map(({ id }) => id), [3, 4]);
  pending.delete([1]);
  assertEquals([pending.inserts, pending.growth], [4, 4]);
  pending.take(true);
  pending.delete([2, 3]);
  assertEquals(pending.growth, 2);
  pending.putBack(false);
  assertEquals(pending.growth, 2);
  const { inserts, deletes } = pending.take(true);
  assertEquals([inserts.map(({ id }) => id), deletes], [[4, 5], []]);
  pending.delete([4]);
  pending.done();
  // What was written is deleted.
  assertEquals(pending.take(true).deletes, [4]);
});

Deno.test("Pending deletes acknowledged rows that may have been written, until it is known", () => {
  const pending = new Pending();
  for (let id = 1; id <= 4; id++) pending.insert(row(id));
  pending.take(false);
  pending.putBack(true);
  pending.delete([1, 2, 3]);
  assertEquals([pending.inserts, pending.growth, pending.empty], [1, 1, false]);
  pending.settle(2);
  const { inserts, deletes } = pending.take(false);
  assertEquals([inserts.map(({ id }) => id), deletes, pending.growth], [[4], [1, 2], 1]);
  pending.putBack(false);
  assertEquals([pending.take(false).deletes, pending.growth], [[1, 2], 1]);
});

Deno.test("Pending sets a refused row aside when it is written, and not before", () => {
  const pending = new Pending();
  for (let id = 1; id <= MAX_INSERTS_FAILING + 1; id++) pending.insert(row(id));
  pending.refuse(MAX_INSERTS_FAILING + 1, "R");
  assertEquals(pending.take(true).refusals, []);
  pending.done();
  assertEquals(pending.take(true).refusals, [{ id: MAX_INSERTS_FAILING + 1, reason: "R" }]);
});

Deno.test("Pending past its cap loses none that were given out, as long as there are others", () => {
  const pending = new Pending();
  for (let id = 1; id <= MAX_IN_MEMORY; id++) pending.insert(row(id));
  pending.give(0, 500, 1e6);
  for (let id = 1; id <= 10; id++) assertEquals(pending.insert(row(MAX_IN_MEMORY + id)), 1);
  assertEquals(pending.give(0, 1e6, 1e9).slice(499, 501).map(({ id }) => id), [500, 511]);
  assertEquals(pending.insert(row(MAX_IN_MEMORY + 11)), 1);
  assertEquals(pending.give(0, 1, 1e9)[0]!.id, 1);
  assertEquals(pending.inserts, MAX_IN_MEMORY);
});
