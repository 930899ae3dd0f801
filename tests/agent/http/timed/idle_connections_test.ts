import { assertEquals, assertNotEquals } from "@std/assert";
import net from "node:net";
import { type Connection, IdleConnections } from "../../../../agent/http/timed/idle_connections.ts";
import { parseTarget } from "../../../../agent/http/target.ts";
import { type HttpRequest, whole } from "../../../../agent/http/types.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const clock = new FakeClock();

function connection(): Connection {
  return {
    socket: new net.Socket(),
    isHttp2: false,
    session: null,
    forwards: null,
    tls: null,
    tlsError: null,
    remoteAddress: "192.0.2.1",
    isPublic: true,
    madeAt: clock.monotonic(),
  };
}

function keyOf(idle: IdleConnections, request: Partial<HttpRequest>): string | null {
  const one = whole({ url: "https://a.test/x", reuseConnection: true, ...request });
  return idle.key(one, parseTarget(one.url));
}

Deno.test("IdleConnections gives a connection once", () => {
  const idle = new IdleConnections(clock);
  const kept = connection();
  idle.put("a", kept);
  assertEquals(idle.take("b"), null);
  assertEquals(idle.take("a") === kept, true);
  assertEquals(idle.take("a"), null);
  assertEquals(kept.socket.destroyed, false);
  kept.socket.destroy();
});

Deno.test("IdleConnections drops what the site closes, or says anything on", () => {
  for (const event of ["data", "end", "close"]) {
    const idle = new IdleConnections(clock);
    const kept = connection();
    idle.put("a", kept);
    kept.socket.emit(event);
    assertEquals(kept.socket.destroyed, true, event);
    assertEquals(idle.take("a"), null, event);
  }
});

Deno.test("IdleConnections gives none that was made 60 s ago", async () => {
  const idle = new IdleConnections(clock);
  const kept = connection();
  await clock.advance(30_000);
  idle.put("a", kept);
  await clock.advance(29_999);
  assertEquals(idle.take("a") === kept, true);
  idle.put("a", kept);
  await clock.advance(1);
  assertEquals(kept.socket.destroyed, true);
  assertEquals(idle.take("a"), null);
  const late = connection();
  idle.put("a", late);
  clock.stall(60_000);
  assertEquals(idle.take("a"), null);
  assertEquals(late.socket.destroyed, true);
});

Deno.test("IdleConnections keeps one for a key, and closes the rest", () => {
  const idle = new IdleConnections(clock);
  const [first, second] = [connection(), connection()];
  idle.put("a", first);
  idle.put("a", second);
  assertEquals([first.socket.destroyed, second.socket.destroyed], [true, false]);
  idle.close();
  assertEquals(second.socket.destroyed, true);
  assertEquals(idle.take("a"), null);
});

Deno.test("IdleConnections.key() is shared by requests alike in all that makes a connection", () => {
  const idle = new IdleConnections(clock);
  const key = keyOf(idle, {});
  assertEquals(keyOf(idle, { url: "https://A.test:443/other?y", method: "HEAD" }), key);
  const others: Partial<HttpRequest>[] = [
    { url: "http://a.test/x" },
    { url: "https://b.test/x" },
    { url: "https://a.test:444/x" },
    { proxy: "http://p.test" },
    { ipVersion: "6" },
    { httpVersion: "2" },
    { resolve: { "a.test": "192.0.2.1" } },
    { tls: { insecure: true } },
  ];
  for (const other of others) assertNotEquals(keyOf(idle, other), key, JSON.stringify(other));
  const tls = { insecure: true };
  assertEquals(keyOf(idle, { tls }), keyOf(idle, { tls }));
  assertEquals(keyOf(idle, { method: "POST" }), null);
  assertEquals(keyOf(idle, { reuseConnection: false }), null);
});
