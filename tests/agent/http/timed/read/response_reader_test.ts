import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import net from "node:net";
import { gzipSync } from "node:zlib";
import { ResponseReader } from "../../../../../agent/http/timed/read/response_reader.ts";
import type { ExchangeFailure } from "../../../../../agent/http/errors.ts";

/** A reader on a socket that says only what the test makes it say. */
function start(readBodyBytes = 1_000_000) {
  const socket = new net.Socket();
  const failures: ExchangeFailure[] = [];
  let ends = 0;
  const reader = new ResponseReader(socket, { readBodyBytes, bodyOf: () => "read" });
  // As Steps does: the first end lets go.
  const letGo = reader.start(() => {
    ends++;
    letGo();
  }, (failure) => failures.push(failure));
  const say = (text: string | Buffer) => socket.emit("data", Buffer.from(text));
  return { socket, reader, say, letGo, failures, ends: () => ends };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("ResponseReader gives other work its turn each 64 KiB", async () => {
  const { socket, say, letGo } = start();
  say("HTTP/1.1 200 OK\r\n\r\n");
  assertEquals(socket.isPaused(), false);
  say("x".repeat(64 * 1024));
  assertEquals(socket.isPaused(), true);
  await nextTurn();
  assertEquals(socket.isPaused(), false);
  letGo();
  socket.destroy();
});

Deno.test("ResponseReader leaves nothing on the socket, and hears nothing more", async () => {
  const { socket, say, letGo, failures, ends } = start();
  say("HTTP/1.1 200 OK\r\n\r\n");
  say("x".repeat(64 * 1024));
  letGo();
  for (const event of ["data", "end", "close", "error"]) {
    assertEquals(
      socket.listenerCount(event),
      event === "end" ? socketsOwnEndListeners() : 0,
      event,
    );
  }
  say("more");
  await nextTurn();
  assertEquals([failures.length, ends()], [0, 0]);
  socket.destroy();
});

Deno.test("ResponseReader waits for a decoder that is full, and stops a bomb at the cap", async () => {
  const cap = 100_000;
  const { socket, reader, say, letGo, failures, ends } = start(cap);
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
  for (let at = 0; at < bomb.length; at += 16_384) say(bomb.subarray(at, at + 16_384));
  const deadline = Date.now() + 60_000;
  while (ends() === 0 && failures.length === 0 && Date.now() < deadline) await nextTurn();
  assertEquals([failures.length, ends()], [0, 1]);
  assert(reader.truncated);
  assertEquals(reader.body.length, cap);
  letGo();
  socket.destroy();
});

/** A socket listens to its own end. */
function socketsOwnEndListeners(): number {
  const socket = new net.Socket();
  const count = socket.listenerCount("end");
  socket.destroy();
  return count;
}
