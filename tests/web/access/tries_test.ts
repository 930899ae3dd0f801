import { assertEquals } from "@std/assert";
import { Tries } from "../../../web/access/tries.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("Tries.take() gives ten, then one each six seconds", async () => {
  const clock = new FakeClock();
  const tries = new Tries(clock);
  const take = () => tries.take("192.0.2.1");
  assertEquals(Array.from({ length: 11 }, take), [...Array(10).fill(0), 6]);
  assertEquals(tries.take("192.0.2.2"), 0);
  await clock.advance(5_000);
  assertEquals(take(), 1);
  await clock.advance(1_000);
  assertEquals([take(), take()], [0, 6]);
  tries.forget("192.0.2.1");
  assertEquals(Array.from({ length: 11 }, take), [...Array(10).fill(0), 6]);
});

Deno.test("Tries.take() counts an IPv6 network as one", () => {
  const tries = new Tries(new FakeClock());
  const take = (address: string) => tries.take(address);
  for (let n = 0; n < 10; n++) assertEquals(take(`2001:db8:0:1::${n}`), 0);
  assertEquals(take("2001:db8:0:1:a:b:c:d"), 6);
  assertEquals(take("2001:db8::1:2:3:4:5") > 0, true);
  assertEquals(take("2001:db8:0:2::1"), 0);
  assertEquals(take("::ffff:192.0.2.1"), 0);
});
