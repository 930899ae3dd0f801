import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { waitFor } from "../../../local/wait.ts";
import { Line } from "./line.ts";
import { Proxy } from "./proxy.ts";

const WITHIN_MS = 60_000;

interface End {
  socket: Socket;
  /** What it received so far. */
  text(): string;
  closed(): boolean;
}

function endOf(socket: Socket): End {
  let text = "";
  let closed = false;
  socket.on("data", (chunk) => text += Buffer.from(chunk as Uint8Array).toString("latin1"));
  socket.on("error", () => {});
  socket.on("close", () => closed = true);
  return { socket, text: () => text, closed: () => closed };
}

/** A proxy before a server that answers only what a test tells it to. */
async function withProxy(
  run: (proxy: Proxy, join: () => Promise<{ client: End; server: End }>) => Promise<void>,
): Promise<void> {
  const accepted: End[] = [];
  const clients: End[] = [];
  const target = createServer((socket) => accepted.push(endOf(socket)));
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const proxy = await Proxy.start();
  proxy.pointTo((target.address() as AddressInfo).port);
  try {
    await run(proxy, async () => {
      const count = accepted.length;
      const client = endOf(connect(proxy.port, "127.0.0.1"));
      clients.push(client);
      await until("a connection", () => accepted.length > count);
      return { client, server: accepted[count]! };
    });
  } finally {
    const ends = [...clients, ...accepted];
    for (const { socket } of ends) socket.destroy();
    await until("the end", () => ends.every(({ closed }) => closed()));
    await proxy.close();
    await new Promise((resolve) => target.close(resolve));
  }
}

function until(what: string, holds: () => boolean): Promise<void> {
  return waitFor(what, holds, WITHIN_MS, 5);
}

/** Counts what comes to lines from now on, until the end of the scope. */
function countSends(): { sends: number } & Disposable {
  const { send } = Line.prototype;
  const count = { sends: 0, [Symbol.dispose]: () => void (Line.prototype.send = send) };
  Line.prototype.send = function (...chunk) {
    count.sends++;
    send.apply(this, chunk);
  };
  return count;
}

/** Sends `bytes` a few at a time, and waits until they are through. */
async function say(from: End, to: End, bytes: Buffer, step = bytes.length): Promise<void> {
  const length = to.text().length + bytes.length;
  for (let i = 0; i < bytes.length; i += step) {
    from.socket.write(bytes.subarray(i, i + step));
    await until("the bytes", () => to.text().length >= length - bytes.length + i);
  }
  await until("the bytes", () => to.text().length === length);
}

function int32(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => bytes.writeInt32BE(number, 4 * i));
  return bytes;
}

/** PostgreSQL's first message: length, version 3.0, a parameter. */
const STARTUP = Buffer.concat([int32(21, 0x30000), Buffer.from("user\0someone\0")]);

function message(type: string, content: string): Buffer {
  return Buffer.concat([Buffer.from(type), int32(4 + content.length), Buffer.from(content)]);
}

function query(sql: string): Buffer {
  return Buffer.concat([Buffer.from("Q"), int32(sql.length + 5), Buffer.from(`${sql}\0`)]);
}

/** A request of Kafka's: length, key and version, correlation id, and a body of 100 bytes. */
function request(key: number, id: number): Buffer {
  return Buffer.concat([int32(108, key << 16, id), Buffer.alloc(100, 7)]);
}

function reply(id: number): Buffer {
  return Buffer.concat([int32(50, id), Buffer.alloc(46, 7)]);
}

Deno.test("Proxy.set() keeps the order when the delay is lowered", () =>
  withProxy(async (proxy, join) => {
    const { client, server } = await join();
    await say(client, server, Buffer.from("0"));
    using line = countSends();
    const start = performance.now();
    const first = Promise.all(
      [client, server].map(({ socket }) =>
        new Promise<number>((resolve) =>
          socket.once("data", () => resolve(performance.now() - start))
        )
      ),
    );
    let sent = "0";
    for (
      const [delayMs, text] of [[1_000, "1"], [100, "2"], [0, "3"], [20, "4"], [0, "5"]] as const
    ) {
      const before = line.sends;
      proxy.set("pass", delayMs);
      client.socket.write(text);
      server.socket.write(text);
      sent += text;
      // Each chunk is to reach the proxy under its own delay.
      await until("both in the proxy", () => line.sends === before + 2);
    }
    // Nothing comes out before what was held up for longest; timers have a hair to spare.
    for (const ms of await first) assert(ms > 990, `${ms} ms`);
    await until("all of it", () => server.text().length === 6 && client.text().length === 5);
    assertEquals(server.text(), sent);
    assertEquals(client.text(), sent.slice(1));
  }));

Deno.test("Proxy.connectionsCut counts what was ended and what was refused", () =>
  withProxy(async (proxy, join) => {
    const first = await join();
    const second = await join();
    first.client.socket.destroy();
    await until("its own end", first.server.closed);
    assertEquals(proxy.connectionsCut, 0);
    proxy.set("cut");
    await until("the cut", second.client.closed);
    assertEquals(proxy.connectionsCut, 1);
    const refused = endOf(connect(proxy.port, "127.0.0.1"));
    await until("the refusal", refused.closed);
    assertEquals(proxy.connectionsCut, 2);
  }));

Deno.test("Proxy.bytesSwallowed counts both ways of a black hole, which ends with it", () =>
  withProxy(async (proxy, join) => {
    const { client, server } = await join();
    await say(client, server, Buffer.from("before"));
    proxy.set("black_hole");
    client.socket.write("12345");
    server.socket.write("123");
    await until("the bytes", () => proxy.bytesSwallowed === 8);
    assertEquals([server.text(), client.text()], ["before", ""]);
    assertEquals(proxy.connectionsCut, 0);
    proxy.set("pass");
    await until("the end", client.closed);
    assertEquals(proxy.connectionsCut, 1);
  }));

Deno.test("Proxy.batchesGivenUp counts those that a client waited for in a black hole", () =>
  withProxy(async (proxy, join) => {
    const given = await join();
    await say(given.client, given.server, STARTUP);
    const other = await join();
    await say(other.client, other.server, STARTUP);
    proxy.set("black_hole");
    given.client.socket.write(BATCH);
    other.client.socket.write(query("SELECT 1"));
    await until(
      "the bytes",
      () => proxy.bytesSwallowed === BATCH.length + query("SELECT 1").length,
    );
    given.server.socket.destroy();
    await until("its end", given.server.closed);
    assertEquals([given.client.closed(), proxy.batchesGivenUp], [false, 0]);
    given.client.socket.destroy();
    other.client.socket.destroy();
    await until("their end", () => proxy.batchesGivenUp === 1 && other.server.closed());
    assertEquals(proxy.batchesGivenUp, 1);
  }));

Deno.test("Proxy.acksDropped counts replies to Produce, and no others", () =>
  withProxy(async (proxy, join) => {
    const { client, server } = await join();
    await say(client, server, request(18, 1), 7);
    await say(server, client, reply(1), 5);
    // One is answered before the replies are dropped.
    await say(client, server, request(0, 2));
    await say(server, client, reply(2));
    proxy.set("drop_replies");
    await say(client, server, Buffer.concat([request(3, 3), request(0, 4)]), 50);
    server.socket.write(reply(3));
    await until("a reply", () => proxy.bytesSwallowed === 54);
    assertEquals(proxy.acksDropped, 0);
    server.socket.write(reply(4));
    await until("an acknowledgement", () => proxy.bytesSwallowed === 108);
    assertEquals(proxy.acksDropped, 1);
  }));

/** A batch as the writer sends it, all at once. */
const BATCH = Buffer.concat([
  message("P", "\0BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE\0"),
  message("P", "\0SELECT httpmon_store(batch => $1::jsonb) AS answer\0"),
  message("B", "x".repeat(2_000)),
  message("P", "\0COMMIT\0"),
]);
const STORED = Buffer.from('D\0{"kind": "stored", "inserted": 1}C\0\0\0\x0bCOMMIT\0');

Deno.test("Proxy.repliesCut counts batches that were stored", () =>
  withProxy(async (proxy, join) => {
    proxy.cutReplies(2);
    for (const [answer, count] of [[STORED, 1], [Buffer.from("E\0\0\0\x0awrong\0"), 1]] as const) {
      const { client, server } = await join();
      await say(client, server, STARTUP, 5);
      await say(client, server, query("BEGIN"), 4);
      await say(client, server, Buffer.concat([Buffer.from("S"), int32(4)]));
      await say(client, server, BATCH, 300);
      server.socket.write(answer);
      await until("the cut", client.closed);
      assertEquals(client.text(), "");
      assertEquals(proxy.repliesCut, count);
    }
    assertEquals(proxy.connectionsCut, 2);
    const { client, server } = await join();
    await say(client, server, STARTUP);
    await say(client, server, BATCH);
    await say(server, client, STORED);
  }));

Deno.test("Proxy.requestsCut counts batches that came in part", () =>
  withProxy(async (proxy, join) => {
    proxy.cutRequests(1);
    const { client, server } = await join();
    await say(client, server, STARTUP);
    client.socket.write(BATCH);
    await until("the cut", () => client.closed() && server.closed());
    const part = server.text().length - STARTUP.length;
    assert(part > 0 && part < BATCH.length, `${part} of ${BATCH.length} bytes`);
    assertEquals([proxy.requestsCut, proxy.repliesCut, proxy.connectionsCut], [1, 0, 1]);
    const other = await join();
    await say(other.client, other.server, STARTUP);
    await say(other.client, other.server, BATCH);
  }));
