import { assertEquals } from "@std/assert";
import { shutdownOn } from "../../runtime/shutdown.ts";
import { FakeClock } from "../support/fake_clock.ts";

function setUp(signals?: readonly string[]) {
  const handlers = new Map<string, () => void>();
  const source = {
    on: (name: string, handler: () => void) => handlers.set(name, handler),
    off: (name: string) => handlers.delete(name),
  };
  const clock = new FakeClock();
  let ends = 0;
  const { signal, dispose } = shutdownOn(source, clock, () => ends++, signals);
  return {
    send: (name: string) => handlers.get(name)!(),
    handlers,
    clock,
    signal,
    dispose,
    ends: () => ends,
  };
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  Deno.test(`shutdownOn() aborts at the first ${name}`, () => {
    const { send, signal, ends } = setUp();
    assertEquals(signal.aborted, false);
    send(name);
    assertEquals(signal.aborted, true);
    assertEquals(ends(), 0);
  });
}

Deno.test("shutdownOn() takes a signal within a second of the first for the same one", async () => {
  const { send, clock, ends } = setUp();
  send("SIGINT");
  await clock.advance(900);
  send("SIGINT");
  send("SIGTERM");
  assertEquals(ends(), 0);
});

Deno.test("shutdownOn() ends at once at a later signal", async () => {
  const { send, clock, ends } = setUp();
  send("SIGINT");
  await clock.advance(1_001);
  send("SIGTERM");
  assertEquals(ends(), 1);
});

Deno.test("shutdownOn() stops listening when disposed", () => {
  const { handlers, dispose } = setUp();
  assertEquals(handlers.size, 3);
  dispose();
  assertEquals(handlers.size, 0);
});

Deno.test("shutdownOn() leaves alone the signals that are not among those given", () => {
  const { handlers, send, signal } = setUp(["SIGTERM"]);
  assertEquals([...handlers.keys()], ["SIGTERM"]);
  send("SIGTERM");
  assertEquals(signal.aborted, true);
});
