import { assertEquals, assertRejects } from "@std/assert";
import { Kept } from "../../../web/data/kept.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("Kept asks once for all, shows what is not too old while it asks anew, and bears a failure", async () => {
  const clock = new FakeClock();
  const asked: PromiseWithResolvers<number>[] = [];
  const kept = new Kept(clock, () => {
    const next = Promise.withResolvers<number>();
    asked.push(next);
    return next.promise;
  });
  const both = Promise.all([kept.get(), kept.get()]);
  asked[0]!.resolve(1);
  assertEquals(await both, [1, 1]);
  await clock.advance(5_000);
  assertEquals([await kept.get(), asked.length], [1, 1]);

  await clock.advance(1);
  assertEquals([await kept.get(), await kept.get(), asked.length], [1, 1, 2]);
  asked[1]!.resolve(2);
  await asked[1]!.promise;
  assertEquals([await kept.get(), asked.length], [2, 2]);

  await clock.advance(6_000);
  assertEquals([await kept.get(), asked.length], [2, 3]);
  asked[2]!.reject(new Error("away"));
  await assertRejects(() => asked[2]!.promise);
  assertEquals([await kept.get(), asked.length], [2, 4]);
  asked[3]!.reject(new Error("away"));
  await assertRejects(() => asked[3]!.promise);
  await clock.advance(10_000);
  const waits = kept.get();
  asked[4]!.reject(new Error("still away"));
  await assertRejects(() => waits, Error, "still away");
});
