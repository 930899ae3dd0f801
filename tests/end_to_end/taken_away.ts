/**
 * An agent, as a process of its own, from which something is taken away and then given back. Run as
 * a program, it is all in the network that it was started in, and has a network for the agent beside.
 */
import { assertEquals } from "@std/assert";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { waitFor } from "../../local/wait.ts";
import { Program } from "../support/program/program.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";

const run = promisify(execFile);

/** A site that is well, and says when it was asked. */
export function serveFine(hostname = "127.0.0.1", answer = () => Promise.resolve("fine")) {
  const it = { asked: 0 };
  const server = Deno.serve({ hostname, port: 0, onListen() {} }, async () => {
    const body = await answer();
    it.asked++;
    return new Response(body);
  });
  return Object.assign(it, { port: server.addr.port, close: () => server.shutdown() });
}

/** What is taken away, and from whom. */
export interface Taken {
  /** A site that is well, and one that is broken, as a config has them. */
  fine: Record<string, unknown>;
  broken: Record<string, unknown>;
  /** Sites beside these, by name. */
  others?: Record<string, unknown>;
  /** Further keys of `agent:`. */
  agent?: Record<string, unknown>;
  /** What the agent is started by. */
  startedBy?: readonly string[];
  /** How often the site that is well was asked. */
  asked: () => number;
  /** For how long it is away. @default until both sites were judged some times */
  awayMs?: number;
  /** How often that site is to have been asked after. @default 4 */
  askedAfter?: number;
  /** Whether it is time that is taken; else a machine that is too busy is not told of. */
  isTime?: boolean;
  take: (pid: number) => unknown;
  giveBack: (pid: number) => unknown;
}

/**
 * What the agent said of both sites, each verdict with its reason, in the order of time, the same in
 * a row once: before, while something was away, and after.
 */
export async function saidOf(taken: Taken): Promise<{ fine: string[]; broken: string[] }> {
  const { fine, broken, others = {}, agent, startedBy = [], asked, take, giveBack } = taken;
  await using parts = new AsyncDisposableStack();
  const cwd = await mkdtemp(join(tmpdir(), "httpmon-taken-"));
  parts.defer(() => rm(cwd, { recursive: true, force: true }));
  const config = {
    // No broker is there: all results stay in the outbox.
    kafka: { monitoring: { bootstrap_servers: "127.0.0.1:1" } },
    defaults: { frequency: 1, timeout: 1, evidence: "off" },
    websites: { fine, broken, ...others },
    agent: { state_dir: "state", shutdown_timeout_ms: 0, ...agent },
  };
  await writeFile(join(cwd, "config.yaml"), JSON.stringify(config));
  const command = [...startedBy, ...taskCommand("agent"), "-c", "config.yaml"];
  const program = parts.use(new Program({ command, cwd, env: denoEnv() }));
  const askedAgain = async (when: string, times = 4) => {
    const before = asked();
    await waitFor(`checks ${when}`, () => {
      program.assertRuns();
      return asked() >= before + times;
    }, 60_000);
  };
  await askedAgain("before");
  const journal = join(cwd, "state", "outbox.db-journal");
  // What was just asked has its answer, and is not cut short.
  await resultsAreKept(journal, 1);
  await take(program.pid);
  if (taken.awayMs) await new Promise((resolve) => setTimeout(resolve, taken.awayMs));
  else await resultsAreKept(journal, 6);
  await giveBack(program.pid);
  await askedAgain("after", taken.askedAfter);
  await program.stops(60_000);

  const database = new DatabaseSync(join(cwd, "state", "outbox.db"));
  const results = database.prepare("SELECT value FROM outbox").all()
    .map(({ value }) => JSON.parse(String(value)))
    .sort((a, b) => a.ts < b.ts ? -1 : 1);
  database.close();
  const of = (name: string) =>
    results.filter(({ site }) => site === name)
      .map(({ verdict, reason }) => reason ? `${verdict} ${reason}` : verdict)
      .filter((word) => taken.isTime || !/local_(?:stall|late)/.test(word))
      .filter((word, i, all) => word !== all[i - 1]);
  return { fine: of("fine"), broken: of("broken") };
}

/**
 * Waits for so many transactions with results of both sites, of which each has one a second: nobody else
 * may read the outbox, but each of its transactions touches its journal.
 */
async function resultsAreKept(journal: string, transactions: number): Promise<void> {
  let { mtimeMs: last } = await stat(journal);
  await waitFor("results in the outbox", async () => {
    const { mtimeMs } = await stat(journal);
    if (mtimeMs !== last) transactions--;
    last = mtimeMs;
    return transactions <= 0;
  }, 120_000);
}

/** Of networks of their own: this process is in one, the agent in the other. */
const HERE = "192.0.2.1";
const ELSEWHERE = "192.0.2.7";
const NOWHERE = "192.0.2.9";

const ip = (...args: string[]) => run("ip", args);

/** A network for the agent, whose one neighbour is this process. */
async function networkForAgent() {
  const holder: ChildProcess = spawn("unshare", ["-n", "sleep", "600"], { stdio: "ignore" });
  const pid = String(holder.pid);
  const network = (of: string) => readlink(`/proc/${of}/ns/net`);
  await waitFor("a network", async () => await network(pid) !== await network("self"), 60_000);
  const inside = (...args: string[]) => run("nsenter", ["-t", pid, "-n", "ip", ...args]);
  await ip("link", "add", "here", "type", "veth", "peer", "name", "there", "netns", pid);
  for (const address of [HERE, ELSEWHERE]) await ip("addr", "add", `${address}/24`, "dev", "here");
  await ip("link", "set", "here", "up");
  await inside("addr", "add", "192.0.2.2/24", "dev", "there");
  await inside("link", "set", "there", "up");
  await inside("link", "set", "lo", "up");
  return {
    inside,
    startedBy: ["nsenter", "-t", pid, "-n"],
    async close() {
      const ended = once(holder, "exit");
      holder.kill("SIGKILL");
      await ended;
    },
  };
}

/** A resolver that knows every name but "gone.test". */
async function serveNames() {
  const open = async () => {
    const socket = createSocket("udp4");
    socket.on("message", (question, { port, address }) => {
      const name = question.toString("latin1", 12);
      const type = question.readUInt16BE(question.indexOf(0, 12) + 1);
      const answer = type === 1 && !name.includes("gone")
        ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...HERE.split(".").map(Number)]
        : type === 2
        ? [0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0]
        : [];
      const head = Uint8Array.from(question.subarray(0, question.indexOf(0, 12) + 5));
      // An answer, with recursion; 3: there is no such name.
      head.set(
        [0x81, 0x80 + (name.includes("gone") ? 3 : 0), 0, 1, 0, answer.length > 0 ? 1 : 0],
        2,
      );
      head.set([0, 0, 0, 0], 8);
      socket.send(Uint8Array.from([...head, ...answer]), port, address);
    });
    socket.bind(53, HERE);
    await once(socket, "listening");
    return socket;
  };
  let socket = await open();
  return {
    take: () => socket.close(),
    giveBack: async () => void (socket = await open()),
    close: () => void socket.close(),
  };
}

/** What can only be taken away in a network of one's own; `/etc/resolv.conf` names HERE. */
const ISOLATED: Record<string, () => Promise<void>> = {
  async "its link"() {
    await using parts = new AsyncDisposableStack();
    const { inside, startedBy, close } = await networkForAgent();
    parts.defer(close);
    const site = serveFine(HERE);
    parts.defer(site.close);
    const said = await saidOf({
      fine: { url: `http://${HERE}:${site.port}/` },
      broken: { url: `http://${HERE}:1/` },
      startedBy,
      asked: () => site.asked,
      take: () => inside("link", "set", "there", "down"),
      giveBack: () => inside("link", "set", "there", "up"),
    });
    assertEquals(said, {
      fine: ["up", "unknown local_network", "up"],
      broken: ["down connection_refused", "unknown local_network", "down connection_refused"],
    });
  },

  async "what is behind its link"() {
    await using parts = new AsyncDisposableStack();
    const { startedBy, close } = await networkForAgent();
    parts.defer(close);
    const site = serveFine(ELSEWHERE);
    parts.defer(site.close);
    const control = serveFine(HERE);
    parts.defer(control.close);
    const said = await saidOf({
      fine: { url: `http://${ELSEWHERE}:${site.port}/` },
      broken: { url: `http://${NOWHERE}/` },
      agent: { controls: [`${HERE}:${control.port}`] },
      startedBy,
      asked: () => site.asked,
      // Controls are asked once in five seconds, whether they answered or not.
      awayMs: 7_000,
      askedAfter: 10,
      take: () => ip("addr", "flush", "dev", "here"),
      async giveBack() {
        for (const address of [HERE, ELSEWHERE]) {
          await ip("addr", "add", `${address}/24`, "dev", "here");
        }
      },
    });
    assertEquals(said.fine, ["up", "unknown local_network", "up"]);
    // Where a busy machine lets a control wait for over a second, it is unknown at first, too.
    assertEquals(said.broken.toSorted().filter((word, i, all) => word !== all[i - 1]), [
      "down timeout",
      "unknown local_network",
    ]);
  },

  async "its resolver"() {
    await using parts = new AsyncDisposableStack();
    const { startedBy, close } = await networkForAgent();
    parts.defer(close);
    const names = await serveNames();
    parts.defer(names.close);
    const site = serveFine(HERE);
    parts.defer(site.close);
    const said = await saidOf({
      fine: { url: `http://www.fine.test:${site.port}/` },
      broken: { url: "http://gone.test/" },
      startedBy,
      asked: () => site.asked,
      take: names.take,
      giveBack: names.giveBack,
    });
    assertEquals(said, {
      fine: ["up", "unknown local_resolver", "up"],
      broken: ["down dns_not_found", "unknown local_resolver", "down dns_not_found"],
    });
  },
};

export const ISOLATED_NAMES = Object.keys(ISOLATED);

if (import.meta.main) await ISOLATED[process.argv[2]!]!();
