import { assertEquals, assertRejects } from "@std/assert";
import net from "node:net";
import { type Allowance, Allowances } from "../../../../agent/condition/allowance.ts";
import { Limiter } from "../../../../agent/condition/limiter.ts";
import { connect, type OpenSocket } from "../../../../agent/http/timed/connect.ts";
import { ExchangeFailure } from "../../../../agent/http/errors.ts";
import type { Address } from "../../../../agent/http/resolve.ts";
import { Steps } from "../../../../agent/http/steps.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const addresses: Address[] = ["a", "b", "c"].map((address) => ({ address, family: 4 }));

/** Sockets that do nothing by themselves. */
function puppets(): { open: OpenSocket; sockets: Map<string, net.Socket> } {
  const sockets = new Map<string, net.Socket>();
  const open: OpenSocket = ({ host }) => {
    const socket = new net.Socket();
    sockets.set(host, socket);
    return socket;
  };
  return { open, sockets };
}

function error(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function start(signal = new AbortController().signal, allowance?: Allowance) {
  const clock = new FakeClock();
  const { open, sockets } = puppets();
  const result = connect(addresses, 80, clock, new Steps(signal), allowance, open);
  const opened = () => [...sockets.keys()].join("");
  return { clock, sockets, result, opened };
}

Deno.test("connect() tries the next address beside one that does not answer for 250 ms", async () => {
  const { clock, sockets, result, opened } = start();
  await clock.advance(249);
  assertEquals(opened(), "a");
  await clock.advance(1);
  assertEquals(opened(), "ab");
  sockets.get("b")!.emit("connect");
  assertEquals((await result).address, "b");
  assertEquals(sockets.get("a")!.destroyed, true);
  assertEquals(sockets.get("b")!.destroyed, false);
  assertEquals(clock.pending, 0);
  sockets.get("b")!.destroy();
});

Deno.test("connect() tries the next address at once when one fails", async () => {
  const { clock, sockets, result, opened } = start();
  sockets.get("a")!.emit("error", error("ECONNREFUSED"));
  assertEquals(opened(), "ab");
  sockets.get("b")!.emit("error", error("ECONNREFUSED"));
  assertEquals(opened(), "abc");
  sockets.get("c")!.emit("connect");
  assertEquals((await result).address, "c");
  assertEquals(clock.pending, 0);
  sockets.get("c")!.destroy();
});

Deno.test("connect() fails when all have failed, and blames this machine last", async () => {
  const table = [
    [["ECONNREFUSED", "EHOSTUNREACH", "ECONNREFUSED"], "connection_refused"],
    [["ECONNREFUSED", "ENETUNREACH", "ENETUNREACH"], "connection_refused"],
    [["ENETUNREACH", "ENETUNREACH", "ENETUNREACH"], "no_route"],
  ] as const;
  for (const [codes, expected] of table) {
    const { sockets, result, clock } = start();
    for (const [i, code] of codes.entries()) {
      sockets.get(addresses[i]!.address)!.emit("error", error(code));
    }
    const { error: found } = await assertRejects(() => result, ExchangeFailure);
    assertEquals(found.class, expected);
    assertEquals(clock.pending, 0);
  }
});

Deno.test("connect() waits for the others when the last address fails first", async () => {
  const { clock, sockets, result } = start();
  await clock.advance(500);
  sockets.get("c")!.emit("error", error("ECONNREFUSED"));
  sockets.get("a")!.emit("connect");
  assertEquals((await result).address, "a");
  assertEquals(sockets.get("b")!.destroyed, true);
  sockets.get("a")!.destroy();
});

Deno.test("connect() closes everything when the signal aborts", async () => {
  const controller = new AbortController();
  const { clock, sockets, result } = start(controller.signal);
  await clock.advance(250);
  controller.abort();
  const { error: found } = await assertRejects(() => result, ExchangeFailure);
  assertEquals(found.class, "aborted");
  assertEquals([...sockets.values()].map(({ destroyed }) => destroyed), [true, true]);
  assertEquals(clock.pending, 0);
  // Too late to matter, and heard by somebody.
  sockets.get("a")!.emit("error", error("ECONNRESET"));
});

/** An allowance with so many descriptors to spare, and how many are left. */
function spare(count: number) {
  const places = new Limiter(10);
  for (let i = count; i < 10; i++) places.tryAcquire();
  return { allowance: new Allowances(0, places).open(), left: () => 10 - places.held };
}

Deno.test("connect() takes a descriptor for each address beside the first, and gives them back", async () => {
  const { allowance, left } = spare(5);
  const { clock, sockets, result, opened } = start(undefined, allowance);
  assertEquals(left(), 5);
  await clock.advance(500);
  assertEquals([opened(), left()], ["abc", 3]);
  sockets.get("a")!.emit("error", error("ECONNREFUSED"));
  assertEquals(left(), 4);
  sockets.get("c")!.emit("connect");
  await result;
  assertEquals(left(), 5);
  sockets.get("c")!.destroy();
});

Deno.test("connect() without a descriptor to spare tries the next address in the place of the first", async () => {
  const { allowance, left } = spare(0);
  const { clock, sockets, result, opened } = start(undefined, allowance);
  await clock.advance(1_999);
  assertEquals(opened(), "a");
  await clock.advance(1);
  assertEquals([opened(), sockets.get("a")!.destroyed], ["ab", true]);
  sockets.get("b")!.emit("connect");
  assertEquals((await result).address, "b");
  assertEquals([left(), clock.pending], [0, 0]);
  sockets.get("b")!.destroy();
});
