import { assertEquals } from "@std/assert";
import { createClients } from "../../agent/clients.ts";
import { systemClock } from "../../runtime/clock.ts";
import { startHostileServer } from "../support/hostile_server.ts";

Deno.test("createClients() gives the client of each value of `client`", async () => {
  const server = await startHostileServer();
  const clients = createClients(systemClock, { denyNetworks: null });
  const signal = new AbortController().signal;
  const timed = await clients.timed({ url: server.url("/fine") }, signal);
  const fetched = await clients.fetch({ url: server.url("/fine") }, signal);
  assertEquals([timed.status, fetched.status], [200, 200]);
  assertEquals([timed.phases !== null, fetched.phases !== null], [true, false]);
  clients.timed.close();
  await server.close();
});
