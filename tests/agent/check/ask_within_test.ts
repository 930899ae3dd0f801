import { assertEquals } from "@std/assert";
import { askWithin } from "../../../agent/check/ask_within.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { response } from "../support.ts";

const REQUEST = { url: "http://site.test/" };

Deno.test("askWithin() asks nothing where the signal has aborted", async () => {
  const stopped = AbortSignal.abort();
  let asked = 0;
  const client = () => {
    asked++;
    return Promise.resolve(response());
  };
  const clock = new FakeClock();
  const record = await askWithin(client, REQUEST, 1_000, stopped, clock);
  assertEquals([record.error?.class, asked, clock.pending], ["aborted", 0, 0]);
});

Deno.test("askWithin() waits for a timeout longer than a timer can", async () => {
  const clock = new FakeClock();
  const delays: number[] = [];
  const after = clock.after;
  clock.after = (ms, run) => (delays.push(ms), after(ms, run));
  const client = () => Promise.resolve(response());
  await askWithin(client, REQUEST, 2 ** 40, new AbortController().signal, clock);
  assertEquals(delays, [2 ** 31 - 1]);
});
