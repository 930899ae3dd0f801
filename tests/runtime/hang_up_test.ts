import { assertEquals } from "@std/assert";
import { listenForHangUps } from "../../runtime/hang_up.ts";

function setUp() {
  const handlers = new Map<string, () => void>();
  const hangUps = listenForHangUps({
    on: (name, handler) => handlers.set(name, handler),
    off: (name) => handlers.delete(name),
  });
  return { ...hangUps, handlers, hangUp: () => handlers.get("SIGHUP")!() };
}

Deno.test("listenForHangUps() tells of each SIGHUP, until it is told to end", () => {
  const { onHangUp, hangUp } = setUp();
  let count = 0;
  const end = onHangUp(() => count++);
  assertEquals(count, 0);
  hangUp();
  hangUp();
  assertEquals(count, 2);
  end();
  hangUp();
  assertEquals(count, 2);
});

Deno.test("listenForHangUps() keeps a SIGHUP that comes before anyone asks, once", () => {
  const { onHangUp, hangUp } = setUp();
  hangUp();
  hangUp();
  let count = 0;
  onHangUp(() => count++);
  assertEquals(count, 1);
  onHangUp(() => count += 10);
  assertEquals(count, 1);
  hangUp();
  assertEquals(count, 12);
});

Deno.test("listenForHangUps() stops listening when disposed", () => {
  const { handlers, dispose } = setUp();
  assertEquals([...handlers.keys()], ["SIGHUP"]);
  dispose();
  assertEquals(handlers.size, 0);
});
