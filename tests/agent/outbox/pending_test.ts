import { assertEquals } from "@std/assert";
import { MAX_IN_MEMORY, Pending } from "../../../agent/outbox/pending.ts";

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
  assertEquals(pending.putBack(), 0);
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
  assertEquals([lost, pending.putBack()], [0, 50]);
  assertEquals(pending.take(true).inserts[0]!.id, 52);
  assertEquals(pending.abandon(), MAX_IN_MEMORY);
  assertEquals(pending.inserts, 0);
});
