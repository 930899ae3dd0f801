import { assertEquals } from "@std/assert";
import { inFileOrder, type Path } from "../../../config/say/findings.ts";

Deno.test("inFileOrder() follows the file, absent keys after present ones, stably", () => {
  const raw = { b: { y: 1, x_file: "f", list: [1, 2] }, a: null };
  const inOrder: Path[] = [
    [],
    ["b", "y"],
    ["b", "y", "below"],
    ["b", "x"],
    ["b", "list", 0],
    ["b", "list", 1],
    ["b", "absent"],
    ["a"],
    ["zzz"],
    ["absent"],
  ];
  const shuffled = [7, 3, 8, 1, 2, 5, 4, 0, 6, 9].map((i) => ({ path: inOrder[i]!, text: "" }));
  assertEquals(inFileOrder(shuffled, raw).map(({ path }) => path), inOrder);
});
