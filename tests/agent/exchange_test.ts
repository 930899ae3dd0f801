import { assertEquals } from "@std/assert";
import { exchangeWithin } from "../../agent/exchange.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { response } from "./support.ts";

const REQUEST = { url: "http://site.test/" };

Deno.test("exchangeWithin() asks nothing where the signal has aborted", async () => {
  const stopped = AbortSignal.abort();
  let asked = 0;
  const client = () => {
    asked++;
    return Promise.resolve(response());
  };
  const clock = new FakeClock();
  const record = await exchangeWithin(client, REQUEST, 1_000, stopped, clock);
  assertEquals([record.error?.class, asked, clock.pending], ["aborted", 0, 0]);
});

Deno.test("exchangeWithin() waits for a timeout longer than a timer can", async () => {
  const clock = new FakeClock();
  const delays: number[] = [];
  const after = clock.after;
  clock.after = (ms, run) => (delays.push(ms), after(ms, run));
  const client = () => Promise.resolve(response());
  await exchangeWithin(client, REQUEST, 2 ** 40, new AbortController().signal, clock);
  assertEquals(delays, [2 ** 31 - 1]);
});
