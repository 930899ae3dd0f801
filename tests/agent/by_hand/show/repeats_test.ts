import { assertEquals } from "@std/assert";
import { check } from "../../../../agent/check/check.ts";
import { quantile, repeatsOf } from "../../../../agent/by_hand/show/times.ts";
import { PLAIN } from "../../../../agent/by_hand/show/style.ts";
import { checkDeps, gives, response, site } from "../../support.ts";

Deno.test("repeatsOf() counts the verdicts, and tells times of the whole and of each phase", async () => {
  const one = site();
  const checks = [[10, 200], [30, 200], [20, 500]].map(async ([ms = 0, status = 0]) => {
    const phases = { dns: ms, connect: 0, tls: 0, firstByte: 0, download: 0 };
    return (await check(
      one,
      new AbortController().signal,
      checkDeps(gives(response({ ms, status, phases }))),
    ))!;
  });
  assertEquals(
    repeatsOf(one, await Promise.all(checks), PLAIN),
    `http://site.test/
3 checks: 2 UP, 1 DOWN status

Times
                  min   median      p95
  total       10.0 ms  20.0 ms  29.0 ms
  dns         10.0 ms  20.0 ms  29.0 ms
  connect      0.0 ms   0.0 ms   0.0 ms
  tls          0.0 ms   0.0 ms   0.0 ms
  first byte   0.0 ms   0.0 ms   0.0 ms
  download     0.0 ms   0.0 ms   0.0 ms`,
  );
});

Deno.test("quantile() lies between the two nearest values", () => {
  assertEquals(quantile([4, 1, 3, 2], 0.5), 2.5);
  assertEquals(quantile([7], 0.95), 7);
  assertEquals(quantile([1, 2, 3], 0), 1);
});
