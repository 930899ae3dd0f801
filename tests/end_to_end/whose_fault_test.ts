/** An agent from which something is taken away says unknown; of a site that alone is broken, down. */
import { assert, assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import net from "node:net";
import process from "node:process";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/build/project.ts";
import { startProxy } from "../agent/http/timed/proxy_server.ts";
import { ISOLATED_NAMES, saidOf, serveFine } from "./taken_away.ts";

const run = promisify(execFile);

/** A network and a resolver of its own, as root may have them. */
async function isolated(...command: string[]): Promise<string | null> {
  const resolver = await Deno.makeTempFile();
  await Deno.writeTextFile(resolver, "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n");
  try {
    const set = 'ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec "$@"';
    const args = ["-mn", "sh", "-c", set, resolver, ...command];
    const { code, stderr } = await new Deno.Command("unshare", { args, cwd: ROOT }).output();
    return code === 0 ? null : new TextDecoder().decode(stderr);
  } catch (error) {
    return String(error);
  } finally {
    await Deno.remove(resolver);
  }
}

Deno.test("an agent that loses its network or its resolver gives unknown, and of a broken site down", async (t) => {
  const reason = Deno.build.os === "linux" && Deno.uid() === 0
    ? await isolated("nsenter", "--version")
    : "that needs root on Linux";
  await t.step({
    name: ISOLATED_NAMES.join(", ") + (reason === null ? "" : `: not here, ${reason}`),
    ignore: reason !== null,
    fn: async () => {
      const script = "tests/end_to_end/taken_away.ts";
      const lose = (name: string) =>
        isolated(Deno.execPath(), "run", "-A", "--no-check", script, name);
      // Side by side, as each has a network of its own, and they wait most of the time.
      const failures = await Promise.all(ISOLATED_NAMES.map(lose));
      assertEquals(failures, ISOLATED_NAMES.map(() => null));
    },
  });
});

Deno.test("an agent that loses its proxy gives unknown, and of a broken site down", async () => {
  const site = serveFine();
  let proxy = await startProxy({ kind: "socks5" });
  const [url, { port }] = [proxy.url(), new URL(proxy.url())];
  const said = await saidOf({
    // All that is taken away is noticed at once; a site that waits for a core is not timed out.
    fine: { url: `http://site.test:${site.port}/`, proxy: url, timeout: 30 },
    broken: { url: "http://site.test:1/", proxy: url, timeout: 30 },
    asked: () => site.asked,
    take: () => proxy.close(),
    giveBack: async () => void (proxy = await startProxy({ kind: "socks5", port: Number(port) })),
  });
  assertEquals(said, {
    fine: ["up", "unknown local_proxy", "up"],
    broken: ["down connection_refused", "unknown local_proxy", "down connection_refused"],
  });
  await proxy.close();
  await site.close();
});

Deno.test({
  name: "an agent that loses its descriptors gives unknown, and of a broken site down",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const site = serveFine();
    const limit = (pid: number, files: string) =>
      run("prlimit", ["--pid", String(pid), `--nofile=${files}:`]);
    let before = "";
    const said = await saidOf({
      fine: { url: `http://127.0.0.1:${site.port}/`, timeout: 30 },
      broken: { url: "http://127.0.0.1:1/", timeout: 30 },
      asked: () => site.asked,
      async take(pid) {
        const show = ["--pid", String(pid), "--nofile", "--output=SOFT", "--noheadings"];
        before = (await run("prlimit", show)).stdout.trim();
        await limit(pid, "8");
      },
      giveBack: (pid) => limit(pid, before),
    });
    assertEquals(said, {
      fine: ["up", "unknown local_descriptors", "up"],
      broken: [
        "down connection_refused",
        "unknown local_descriptors",
        "down connection_refused",
      ],
    });
    await site.close();
  },
});

/** What all bodies of an agent may take together, and those of one site at the most. */
const BUDGET = 256 * 1024 * 1024;
const MOST = 100 * 1024 * 1024;

Deno.test("an agent that has no memory for more bodies gives unknown, and of a broken site down", async () => {
  const big = "x".repeat(256 * 1024);
  const site = serveFine("127.0.0.1", () => Promise.resolve(big));
  // Greedy ones send all but a byte of what they announce, and the last when they are let.
  const sizes = [MOST, MOST, BUDGET - 2 * MOST - 64 * 1024];
  const greedy = { on: false, full: 0, waiting: [] as (() => void)[] };
  const server = net.createServer((socket) => {
    socket.on("error", () => {}).once("data", (request) => {
      const path = /^GET \/(\w+)/.exec(request.toString("latin1"))![1]!;
      if (path === "cut") return void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut");
      const size = greedy.on ? sizes[Number(path)]! : 1;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      if (!greedy.on) return void socket.end("x");
      socket.write(new Uint8Array(size - 1), () => greedy.full++);
      greedy.waiting.push(() => socket.end("x"));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = (path: unknown) =>
    `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/${path}`;
  const settings = { timeout: 60, read_body_bytes: MOST };
  const said = await saidOf({
    // This process has the bodies to send meanwhile.
    fine: { url: `http://127.0.0.1:${site.port}/`, timeout: 30 },
    broken: { url: at("cut") },
    others: Object.fromEntries(sizes.map((_, i) => [`greedy ${i}`, { url: at(i), ...settings }])),
    asked: () => site.asked,
    async take() {
      greedy.on = true;
      const end = performance.now() + 60_000;
      while (greedy.full < sizes.length) {
        assert(performance.now() < end, "the bodies were not taken");
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    giveBack() {
      greedy.on = false;
      for (const end of greedy.waiting) end();
    },
  });
  assertEquals(said, {
    fine: ["up", "unknown local_memory", "up"],
    broken: ["down body_aborted"],
  });
  await new Promise((resolve) => server.close(resolve));
  await site.close();
});

Deno.test("an agent that stands still gives unknown, and of a broken site down", async () => {
  // Long enough that a check is under way when it happens.
  const answer = () => new Promise<string>((resolve) => setTimeout(() => resolve("fine"), 400));
  const site = serveFine("127.0.0.1", answer);
  const hanging = net.createServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
  const { port } = hanging.address() as net.AddressInfo;
  const { fine, broken } = await saidOf({
    fine: { url: `http://127.0.0.1:${site.port}/`, timeout: 2.5 },
    broken: { url: `http://127.0.0.1:${port}/`, timeout: 0.9 },
    asked: () => site.asked,
    isTime: true,
    awayMs: 3_000,
    take: (pid) => process.kill(pid, "SIGSTOP"),
    giveBack: (pid) => process.kill(pid, "SIGCONT"),
  });
  const own = /^unknown local_(?:stall|late)$/;
  assert(fine.includes("up"), fine.join());
  assertEquals(fine.filter((word) => word !== "up" && !own.test(word)), []);
  assert(fine.some((word) => own.test(word)), fine.join());
  assert(broken.includes("down timeout"), broken.join());
  assertEquals(broken.filter((word) => word !== "down timeout" && !own.test(word)), []);
  assert(broken.some((word) => own.test(word)), broken.join());
  await new Promise((resolve) => hanging.close(resolve));
  await site.close();
});
