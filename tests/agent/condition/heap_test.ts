import { assertEquals } from "@std/assert";
import { Heap } from "../../../agent/condition/heap.ts";

Deno.test("Heap gives items by their due time, whatever the order they came in", () => {
  const heap = new Heap<{ due: number }>();
  const times = Array.from({ length: 200 }, (_, i) => (i * 7_919) % 211);
  heap.reset(times.slice(0, 100).map((due) => ({ due })));
  for (const due of times.slice(100)) heap.push({ due });
  const seen: number[] = [];
  while (heap.size > 0) {
    seen.push(heap.pop()!.due);
  }
  assertEquals(seen, times.toSorted((a, b) => a - b));
  assertEquals(heap.peek(), undefined);
});

Deno.test("Heap is empty at first", () => {
  const heap = new Heap();
  assertEquals(heap.peek(), undefined);
  assertEquals(heap.pop(), undefined);
  assertEquals(heap.size, 0);
});
