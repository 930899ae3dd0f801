/** Each kind of trouble, really made: of the agent's own it is unknown, of the site alone it is down. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { writeFile } from "node:fs/promises";
import net from "node:net";
import { check, type CheckDeps } from "../../../agent/check/check.ts";
import { clients as bothClients } from "../support.ts";
import { askControlBy, Network } from "../../../agent/condition/network.ts";
import { Allowances } from "../../../agent/condition/allowance.ts";
import { createTimedClient } from "../../../agent/http/timed/client.ts";
import type { Resolver } from "../../../agent/http/resolve.ts";
import { Limiter } from "../../../agent/condition/limiter.ts";
import { LoopWatch } from "../../../agent/condition/loop_watch.ts";
import type { Site } from "../../../config/types.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { ROOT } from "../../../scripts/build/project.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { startHostileServer } from "../../support/hostile_server.ts";
import { denoEnv } from "../../support/program/task_command.ts";
import { startProxy } from "../http/timed/proxy_server.ts";
import { checkDeps, site, type SiteValues, until, withFolder } from "../support.ts";

const NEVER = new AbortController().signal;

/** A resolver that knows what `answers` gives: an address, or a code of getaddrinfo's. */
function resolver(answers: (host: string) => string, answersForRoot = true): Resolver {
  return {
    lookup(host, _options, callback) {
      const answer = answers(host);
      if (net.isIP(answer)) callback(null, [{ address: answer, family: 4 }]);
      else callback(Object.assign(new Error(`getaddrinfo ${answer}`), { code: answer }), []);
    },
    answersForRoot: () => Promise.resolve(answersForRoot),
  };
}

/** Nobody listens there. */
const REFUSES = "127.0.0.1:2";

/** An agent with a network of its own, which tells what it thinks of a site. */
function agent({
  names = () => "127.0.0.1",
  root = true,
  controls = [],
  clock = new FakeClock(),
  ...values
}: {
  names?: (host: string) => string;
  root?: boolean;
  controls?: string[];
} & Partial<CheckDeps> = {}) {
  const client = createTimedClient({ resolver: resolver((host) => names(host), root) });
  const network = new Network({ clock, controls, ask: askControlBy(client) });
  const deps = checkDeps(client, { clock, network, ...values, clients: bothClients(client) });
  return async (checked: Site | SiteValues) => {
    const { message } = (await check(site(checked as SiteValues), NEVER, deps))!;
    return `${message.verdict} ${message.reason ?? ""}`.trim();
  };
}

/** A server on so many addresses of the loopback that answers, hangs, or is not there. */
async function startServer(addresses = 1) {
  const sockets = new Set<net.Socket>();
  const it = { port: 0, hangs: false, asked: 0 };
  const servers: net.Server[] = [];
  for (let i = 1; i <= addresses; i++) {
    const server = net.createServer((socket) => {
      sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
      socket.on("data", () => {
        it.asked++;
        if (!it.hangs) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    });
    await new Promise<void>((done) => server.listen(it.port, `127.0.0.${i}`, done));
    it.port = (server.address() as net.AddressInfo).port;
    servers.push(server);
  }
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  };
  return Object.assign(it, { close });
}

/** What comes of `work` after `ms`, which pass when the server was asked `times` times. */
async function afterAsking<T>(
  server: { asked: number },
  times: number,
  work: () => Promise<T>,
  clock: FakeClock,
  ms: number,
): Promise<T> {
  server.asked = 0;
  const result = work();
  await until(() => server.asked === times, "the server is asked");
  await clock.advance(ms);
  return await result;
}

/** Runs a script as a process of its own, started by `sh` with `limits`. */
async function run(limits: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", `${limits} exec "$@"`, "sh", Deno.execPath(), ...args],
    cwd: ROOT,
    env: denoEnv(),
    clearEnv: true,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return text.decode(stdout) + text.decode(stderr);
}

Deno.test("a network that is taken away is told from a site that hangs, by many that fall silent", async () => {
  const server = await startServer(3);
  const clock = new FakeClock();
  const judged = agent({ clock, names: (host) => `127.0.0.${1 + Number(host[4]) % 3}` });
  const sites = [0, 1, 2, 3, 4, 5].map((i) =>
    site({ url: `http://site${i}.test:${server.port}/`, timeoutMs: 2_000 })
  );
  const all = async () => {
    const said: string[] = [];
    for (const one of sites) said.push(await judged(one));
    return said;
  };
  const timeOut = (...some: Site[]) =>
    afterAsking(server, some.length, () => Promise.all(some.map(judged)), clock, 2_000);
  assertEquals(await all(), sites.map(() => "up"));
  server.hangs = true;
  assertEquals((await timeOut(...sites)).sort(), [
    ...new Array(4).fill("down timeout"),
    "unknown local_network",
    "unknown local_network",
  ]);
  assertEquals(await timeOut(sites[0]!), ["unknown local_network"]);
  server.hangs = false;
  assertEquals(await all(), sites.map(() => "up"));
  server.hangs = true;
  assertEquals(await timeOut(sites[0]!), ["down timeout"]);
  await server.close();
});

Deno.test("a network that is taken away is known by controls that do not answer", async () => {
  const [control, url] = [await startServer(), await startHostileServer()];
  const refused = { url: `http://${REFUSES}/` };
  const gone = "127.0.0.1:3";
  const clock = new FakeClock();
  const judged = (...controls: string[]) => agent({ clock, controls })(refused);
  assertEquals(await judged(gone, `127.0.0.1:${control.port}`), "down connection_refused");
  assertEquals(await judged(gone, url.url("/status-500")), "down connection_refused");
  assertEquals(await judged(gone, `http://${gone}/`), "unknown local_network");
  control.hangs = true;
  const hanging = () => judged(`http://127.0.0.1:${control.port}/`);
  assertEquals(await afterAsking(control, 1, hanging, clock, 1_000), "unknown local_network");
  await Promise.all([control.close(), url.close()]);
});

Deno.test("a resolver that is taken away is told from a name that fails", async () => {
  const server = await startServer(3);
  const fails = (code: string, root: boolean) =>
    agent({ root, names: (host) => host === "site.test" ? code : "127.0.0.1" });
  const url = `http://site.test:${server.port}/`;
  assertEquals(await fails("EAI_AGAIN", false)({ url }), "unknown local_resolver");
  assertEquals(await fails("EAI_AGAIN", true)({ url }), "down dns_failed");
  assertEquals(await fails("ENOTFOUND", true)({ url }), "down dns_not_found");

  // It answers for the root and fails all else; an address needs no name.
  let works = true;
  const judged = agent({
    names: (host) => works ? `127.0.0.${1 + Number(host[8]) % 3}` : "EAI_AGAIN",
  });
  const named = [0, 1, 2, 3, 4].map((i) => ({ url: `http://www.site${i}.test:${server.port}/` }));
  const byAddress = { url: `http://127.0.0.1:${server.port}/` };
  const all = async () => {
    const said: string[] = [];
    for (const one of named) said.push(await judged(one));
    return said;
  };
  assertEquals([await all(), await judged(byAddress)], [named.map(() => "up"), "up"]);
  works = false;
  assertEquals([await all(), await judged(byAddress)], [
    [...new Array(4).fill("down dns_failed"), "unknown local_resolver"],
    "up",
  ]);
  assertEquals(await judged(named[0]!), "unknown local_resolver");
  await server.close();
});

Deno.test("a proxy that is taken away is told from a site that it cannot reach", async () => {
  const url = "http://site.test/";
  const refused = `http://${REFUSES}`;
  assertEquals(await agent()({ url, request: { proxy: refused } }), "unknown local_proxy");
  const hanging = Object.assign(await startServer(), { hangs: true });
  const hangs = `http://127.0.0.1:${hanging.port}`;
  const clock = new FakeClock();
  const ask = () =>
    agent({ clock })({ url: "https://site.test/", timeoutMs: 500, request: { proxy: hangs } });
  assertEquals(await afterAsking(hanging, 1, ask, clock, 500), "unknown local_proxy");
  await hanging.close();
  for (
    const [answer, expected] of [
      ["HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n", "unknown local_proxy"],
      ["HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "down connection_failed"],
    ] as const
  ) {
    const proxy = await startProxy({ answer });
    const request = { proxy: proxy.url() };
    assertEquals(await agent()({ url: "https://site.test/", request }), expected);
    await proxy.close();
  }
});

Deno.test("descriptors that are taken away are told from a site that refuses", async () => {
  const server = await startServer();
  const script = `tests/agent/condition/without_descriptors.ts`;
  const urls = [`http://127.0.0.1:${server.port}/`, `http://${REFUSES}/`];
  const said = await run("ulimit -n 200;", "run", "-A", "--no-check", script, ...urls);
  assertEquals(said.trim().split("\n"), [
    `before: up, down connection_refused`,
    `without: unknown local_descriptors, unknown local_descriptors`,
    `after: up, down connection_refused`,
  ]);
  await server.close();
});

Deno.test("memory that is taken away is told from a body that ends early", async () => {
  const server = await startHostileServer();
  const allowances = new Allowances(50_000, new Limiter(1));
  const held = allowances.open();
  held.takeBytes(60_000);
  const judged = agent({ allowances });
  assertEquals(await judged({ url: server.url("/gzip-bomb") }), "unknown local_memory");
  assertEquals(await judged({ url: server.url("/fine") }), "up");
  assertEquals(await judged({ url: server.url("/length-cut") }), "down body_aborted");
  await server.close();
});

Deno.test("a permission that is taken away is told from a site that refuses", async () => {
  await withFolder(async (folder) => {
    const url = `http://${REFUSES}/`;
    const config = `${folder}/config.yaml`;
    await writeFile(config, "websites: {}");
    const ask = (...permissions: string[]) =>
      run("", "run", "--no-check", ...permissions, "main.ts", "check", "-c", config, url);
    assertStringIncludes(
      await ask("-A", `--deny-net=${REFUSES}`),
      "UNKNOWN  local_permission",
    );
    assertStringIncludes(await ask("-A"), "DOWN  connection_refused");
  });
});

Deno.test("time that is taken away is told from a site that hangs or is slow", async () => {
  const loop = new LoopWatch(systemClock);
  loop.start();
  const server = await startServer();
  const judged = agent({ loop, clock: systemClock });
  const fine = { url: `http://127.0.0.1:${server.port}/`, timeoutMs: 2_000 };
  const stall = () => {
    const end = performance.now() + 400;
    while (performance.now() < end);
  };
  const stalled = async (checked: SiteValues) => {
    const said = judged(checked);
    await new Promise((done) => setTimeout(done, 2));
    stall();
    return await said;
  };
  server.hangs = true;
  assertEquals(await stalled(fine), "unknown local_stall");
  await until(async () => await judged(fine) === "down timeout", "a site that hangs is down");
  server.hangs = false;
  const expired = { ...fine, rules: { max_response_time_ms: 0.001 } };
  await until(
    async () => await judged(expired) === "down max_response_time_ms",
    "a slow one is down",
  );
  loop.stop();
  await server.close();
});
