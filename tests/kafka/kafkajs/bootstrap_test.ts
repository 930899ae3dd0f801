import { assertEquals } from "@std/assert";
import { createServer } from "node:net";
import { bootstrapOf } from "../../../kafka/kafkajs/bootstrap.ts";

Deno.test("bootstrapOf() leaves names and IPv4 addresses as they are", () => {
  const servers = ["kafka.example:9092", "127.0.0.1:9093"];
  assertEquals(bootstrapOf(servers).brokers, servers);
});

Deno.test("bootstrapOf() gives kafkajs no address with colons inside", () => {
  const { brokers } = bootstrapOf(["[::1]:9092", "a:1", "[2001:db8::1]:9093"]);
  assertEquals(brokers.map((broker) => broker.split(":").length), [2, 2, 2]);
  assertEquals(brokers.map((broker) => broker.split(":")[1]), ["9092", "1", "9093"]);
});

Deno.test("bootstrapOf() connects to the IPv6 address that a name stands for", async () => {
  const server = createServer((socket) => socket.end());
  const listening = Promise.withResolvers<number>();
  server.listen(0, "::1", () => {
    const address = server.address();
    listening.resolve(typeof address === "object" ? address!.port : 0);
  });
  const port = await listening.promise;
  const { brokers, socketFactory } = bootstrapOf([`[::1]:${port}`]);
  const connected = Promise.withResolvers<void>();
  // deno-lint-ignore no-explicit-any
  const none = undefined as any; // as kafkajs calls it for a plain connection
  const socket = socketFactory({
    host: brokers[0]!.split(":")[0]!,
    port,
    ssl: none,
    onConnect: connected.resolve,
  });
  await connected.promise;
  assertEquals(socket.remoteAddress, "::1");
  const closed = Promise.withResolvers<void>();
  socket.on("close", () => closed.resolve());
  socket.destroy();
  await closed.promise;
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("bootstrapOf()'s sockets take being given up again and again", async () => {
  const { socketFactory } = bootstrapOf([]);
  // deno-lint-ignore no-explicit-any
  const none = undefined as any; // as kafkajs calls it for a plain connection
  // Nobody listens there.
  const socket = socketFactory({ host: "127.0.0.1", port: 1, ssl: none, onConnect() {} });
  const closed = Promise.withResolvers<void>();
  socket.on("error", () => {});
  socket.on("close", () => closed.resolve());
  await closed.promise;
  const before = socket.listenerCount("connect");
  for (let i = 0; i < 20; i++) socket.end().unref();
  assertEquals(socket.listenerCount("connect"), before);
});
