import { assertEquals } from "@std/assert";
import { phaseLines } from "../../../../agent/by_hand/show/times.ts";
import { PLAIN } from "../../../../agent/by_hand/show/style.ts";

Deno.test("phaseLines() draws each phase where it lies, in proportion", () => {
  const phases = { dns: 10, connect: 10, tls: 20, firstByte: 50, download: 10 };
  // 2 before, 10 of name, 2, 7 of time, 2, and 20 for the bars.
  assertEquals(phaseLines(phases, { ...PLAIN, columns: 43 }), [
    "dns         10.0 ms  ██",
    "connect     10.0 ms    ██",
    "tls         20.0 ms      ████",
    "first byte  50.0 ms          ██████████",
    "download    10.0 ms                    ██",
  ]);
});

Deno.test("phaseLines() draws a sliver of what is less than a cell, and nothing of nothing", () => {
  const phases = { dns: 0.01, connect: 0, tls: 0, firstByte: 1_000, download: 0.01 };
  assertEquals(phaseLines(phases, { ...PLAIN, columns: 35 }), [
    "dns            0.0 ms  ▏",
    "connect        0.0 ms",
    "tls            0.0 ms",
    "first byte  1000.0 ms  ██████████",
    "download       0.0 ms           ▏",
  ]);
});

Deno.test("phaseLines() of an exchange that took no time", () => {
  const phases = { dns: 0, connect: 0, tls: 0, firstByte: 0, download: 0 };
  assertEquals(
    phaseLines(phases, PLAIN).map((line) => line.slice(12)),
    new Array(5).fill("0.0 ms"),
  );
});

Deno.test("phaseLines() stays within the columns", () => {
  const phases = { dns: 3.3, connect: 7.1, tls: 0.2, firstByte: 88.8, download: 0.6 };
  for (let columns = 36; columns < 200; columns++) {
    for (const line of phaseLines(phases, { ...PLAIN, columns })) {
      assertEquals(line.length + 2 <= columns, true, `${columns}: ${line}`);
    }
  }
});
