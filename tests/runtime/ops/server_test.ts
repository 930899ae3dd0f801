import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { type OpsServerOptions, startOpsServer } from "../../../runtime/ops/server.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
import { waitFor } from "../../../local/wait.ts";
import { recordingLog } from "../../support/recording_log.ts";

async function server(values: Partial<OpsServerOptions> = {}) {
  const log = recordingLog();
  const it = await startOpsServer({
    listen: { host: "127.0.0.1", port: 0 },
    setting: "agent.listen",
    metrics: { contentType: "text/plain; version=0.0.4", text: () => Promise.resolve("a 1\n") },
    unhealthy: () => [],
    unready: () => [],
    log,
    ...values,
  });
  const origin = `http://127.0.0.1:${it.address.port}`;
  return {
    it,
    log,
    origin,
    ask: (path: string, init?: RequestInit) => fetch(origin + path, init),
    [Symbol.asyncDispose]: () => it.close(),
  };
}

/** What a connection gets that sends `text`, until the server ends it. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let got = "";
  socket.setEncoding("utf8").on("data", (data) => got += data).on("error", () => {});
  socket.write(text);
  await waitFor("the server to end it", () => socket.closed, 60_000, 5);
  return got;
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, "close");
}

Deno.test("startOpsServer() serves metrics and health, and says where", async () => {
  await using ops = await server();
  const metrics = await ops.ask("/metrics?x=1");
  assertEquals([metrics.status, await metrics.text()], [200, "a 1\n"]);
  assertEquals(metrics.headers.get("content-type"), "text/plain; version=0.0.4");
  assertEquals(metrics.headers.get("cache-control"), "no-store");
  for (const path of ["/healthz", "/readyz"]) {
    const response = await ops.ask(path);
    assertEquals([response.status, await response.json()], [200, { status: "ok" }]);
    assertEquals(response.headers.get("content-type"), "application/json");
  }
  assertEquals(ops.log.lines, [{
    level: "notice",
    fields: { address: ops.origin },
    message: "Serving /metrics, /healthz and /readyz",
  }]);
});

Deno.test("startOpsServer() answers 503 with the reasons, as they are at each request", async () => {
  let reasons: string[] = [];
  await using ops = await server({ unhealthy: () => ["It hangs"], unready: () => reasons });
  const health = await ops.ask("/healthz");
  const unavailable = { status: "unavailable", reasons: ["It hangs"] };
  assertEquals([health.status, await health.json()], [503, unavailable]);
  const before = await ops.ask("/readyz");
  assertEquals([before.status, await before.json()], [200, { status: "ok" }]);
  reasons = ["It starts", 'With "quotes"'];
  const after = await ops.ask("/readyz");
  assertEquals([after.status, (await after.json()).reasons], [503, reasons]);
});

Deno.test("startOpsServer() takes GET and HEAD of its three paths, and nothing else", async () => {
  await using ops = await server();
  const head = await raw(
    ops.it.address.port,
    "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  assert(head.startsWith("HTTP/1.1 200 "), head);
  assert(/\r\ncontent-length: 4\r\n/i.test(head), head);
  assert(head.endsWith("\r\n\r\n"), head);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await ops.ask("/metrics", { method });
    await response.body?.cancel();
    assertEquals([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);
  }
  for (const path of ["/", "/metrics/", "/METRICS", "//metrics", "/x"]) {
    const response = await ops.ask(path);
    const text = "Not here; there are /metrics, /healthz and /readyz\n";
    assertEquals([response.status, await response.text()], [404, text]);
  }
});

Deno.test("startOpsServer() says which key is at fault where it cannot listen", async () => {
  await using ops = await server();
  const { port } = ops.it.address;
  const taken = await assertRejects(
    () => server({ listen: { host: "127.0.0.1", port }, setting: "writer.listen" }),
    UsageError,
  );
  assertEquals(
    taken.message,
    `Cannot listen on 127.0.0.1:${port} ("writer.listen"): another program listens there; stop ` +
      "that one, or name another port",
  );
  // An address for documentation (RFC 5737), which no machine has.
  const elsewhere = await assertRejects(
    () => server({ listen: { host: "203.0.113.1", port: 9100 } }),
    UsageError,
  );
  assertEquals(
    elsewhere.message,
    'Cannot listen on 203.0.113.1:9100 ("agent.listen"): this machine has no such address; name ' +
      "one that it has",
  );
});

Deno.test("startOpsServer() answers 500 where the metrics fail, logs it and goes on", async () => {
  let fails = true;
  const text = () => fails ? Promise.reject(new Error("no numbers")) : Promise.resolve("a 1\n");
  await using ops = await server({ metrics: { contentType: "text/plain", text } });
  const response = await ops.ask("/metrics");
  assertEquals([response.status, await response.text()], [500, "Failed; see the log\n"]);
  const { level, fields } = ops.log.lines.at(-1)!;
  assertEquals([level, fields.path, String(fields.error)], [
    "error",
    "/metrics",
    "Error: no numbers",
  ]);
  fails = false;
  assertEquals(await (await ops.ask("/metrics")).text(), "a 1\n");
});

Deno.test("startOpsServer() cuts off who sends half a request, nothing, or no HTTP", async () => {
  await using ops = await server({ requestWithinMs: 100 });
  const { port } = ops.it.address;
  for (const text of ["GET /metrics HTTP/1.1\r\nHos", "", "\x16\x03\x01 this is no HTTP\r\n\r\n"]) {
    const got = await raw(port, text);
    assert(got === "" || got.startsWith("HTTP/1.1 4"), got);
  }
  // Who asks in time is answered; a busy machine may be too slow for that, now and then.
  await waitFor("an answer", () =>
    ops.ask("/healthz").then((response) => response.json()).then(
      ({ status }) => status === "ok",
      () => false,
    ), 60_000);
});

Deno.test("startOpsServer() holds at most 32 connections", async () => {
  await using ops = await server();
  const sockets = Array.from({ length: 40 }, () => connect(ops.it.address.port, "127.0.0.1"));
  for (const socket of sockets) socket.on("error", () => {});
  // Read, or the end is not noticed.
  for (const socket of sockets) socket.resume();
  await Promise.all(sockets.map((socket) => socket.connecting ? once(socket, "connect") : null));
  const open = () => sockets.filter((socket) => !socket.closed && !socket.readableEnded).length;
  await waitFor("the others to be closed", () => open() <= 32, 60_000, 5);
  assertEquals(open(), 32);
  for (const socket of sockets) socket.destroy();
  await Promise.all(sockets.map(closed));
});

Deno.test("OpsServer.close() waits for nobody", async () => {
  let asked = () => {};
  const reached = new Promise<void>((resolve) => asked = resolve);
  const ops = await server({
    metrics: { contentType: "text/plain", text: () => (asked(), new Promise(() => {})) },
  });
  const idle = connect(ops.it.address.port, "127.0.0.1").on("error", () => {}).resume();
  const waiting = ops.ask("/metrics").then(() => "answered", () => "cut");
  await reached;
  await ops.it.close();
  assertEquals(await waiting, "cut");
  await closed(idle);
});
