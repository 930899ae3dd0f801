/**
 * CPU time a check costs: the bare loop over a socket (connect, write, read to the close), the timed
 * client, and the platform's fetch, against one server in a process of its own. Only the ratios within
 * one run mean anything.
 *
 *   deno run -A scripts/bench/agent.ts [--checks N] [--rounds N] [--parallel N]
 *
 * Exits 1 when the timed client costs more than 1.8 times the bare loop.
 */
import { parseArgs } from "@std/cli/parse-args";
import { type ChildProcess, spawn } from "node:child_process";
import net from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createPlatformFetchClient } from "../../agent/http/platform_fetch.ts";
import { createTimedClient } from "../../agent/http/timed/client.ts";
import type { HttpClient } from "../../agent/http/types.ts";

/** The promise: a timed check costs at most this many bare loops. */
const LIMIT = 1.8;
const RESPONSE = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n" +
  `Connection: close\r\n\r\n${"x".repeat(1000)}`;

async function main(): Promise<void> {
  const args = parseArgs(process.argv.slice(2), {
    string: ["checks", "rounds", "parallel"],
    boolean: ["serve"],
  });
  if (args.serve) return serve();
  const checks = Number(args.checks ?? 3000);
  const rounds = Number(args.rounds ?? 7);
  const parallel = Number(args.parallel ?? 10);
  const server = await startServer();
  const url = `http://127.0.0.1:${server.port}/`;
  const timed = createTimedClient();
  const contenders: [name: string, check: () => Promise<void>][] = [
    ["bare loop", () => bareCheck(server.port)],
    ["timed client", () => clientCheck(timed, url)],
    ["platform fetch", () => clientCheck(platform, url)],
  ];
  const platform = createPlatformFetchClient();
  for (const [, check] of contenders) await measure(check, checks, parallel);
  const costs = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, [, check]] of contenders.entries()) {
      costs[i]!.push(await measure(check, checks, parallel));
    }
  }
  server.child.kill();
  const medians = costs.map(median);
  for (const [i, [name]] of contenders.entries()) {
    const ratio = medians[i]! / medians[0]!;
    console.log(
      `${name.padEnd(14)} ${medians[i]!.toFixed(0).padStart(5)} us CPU a check, ${
        ratio.toFixed(2)
      } x`,
    );
  }
  const ratio = medians[1]! / medians[0]!;
  console.log(`${ratio <= LIMIT ? "Within" : "Above"} the limit of ${LIMIT} x`);
  process.exitCode = ratio <= LIMIT ? 0 : 1;
}

/** Microseconds of this process's CPU time for each check. */
async function measure(
  check: () => Promise<void>,
  checks: number,
  parallel: number,
): Promise<number> {
  let left = checks;
  const before = process.cpuUsage();
  const work = async () => {
    while (left-- > 0) await check();
  };
  await Promise.all(Array.from({ length: parallel }, work));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / checks;
}

/** The least that a check over a socket can be. */
function bareCheck(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    let length = 0;
    socket.on("connect", () => {
      socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    });
    socket.on("data", (chunk) => length += chunk.length);
    socket.on("error", reject);
    socket.on("close", () => length > 1000 ? resolve() : reject(new Error("Short response")));
  });
}

async function clientCheck(client: HttpClient, url: string): Promise<void> {
  const record = await client({ url }, new AbortController().signal);
  if (record.error || record.status !== 200) throw new Error(record.error?.message);
}

/** The server's side, in the child process. */
function serve(): void {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.end(RESPONSE));
  });
  server.listen(0, "127.0.0.1", () => {
    console.log((server.address() as net.AddressInfo).port);
  });
}

async function startServer(): Promise<{ child: ChildProcess; port: number }> {
  const script = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, ["run", "-A", script, "--serve"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(Number(data)));
    child.once("exit", () => reject(new Error("The server did not start")));
  });
  return { child, port };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

await main();
