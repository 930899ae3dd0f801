/**
 * `deno task bench start [--rounds N] [--against DIR] [--json]`: how long programs take to begin, in
 * alternating rounds: an empty one of Deno, `--version`, an agent to its first check and a writer to its
 * first row, of this checkout and of another.
 */
import { parseArgs } from "@std/cli/parse-args";
import { join } from "node:path";
import process from "node:process";
import { waitFor } from "../../local/wait.ts";
import { benchStack } from "../measure/stack.ts";
import { type Checkout, checkouts, modeCommand, startMode } from "../measure/program.ts";
import { type Contender, type Figures, inTurn, report } from "../measure/table.ts";
import { usageOf } from "../measure/usage.ts";

const SITES = 100;
const RESULTS = 100;
const WITHIN_MS = 60_000;

const args = parseArgs(Deno.args, { string: ["rounds", "against"], boolean: ["json"] });
await using bench = await benchStack();
const { folder } = bench;
let asked: () => void = () => {};
const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
  asked();
  return new Response("fine");
});
const empty = join(folder, "empty.ts");
await Deno.writeTextFile(empty, "");
await bench.fill("waiting", "seven fields", RESULTS, 1);

const contenders: Contender[] = [
  { name: "an empty program", run: () => ended([Deno.execPath(), "run", "-A", empty]) },
];
for (const checkout of checkouts(args.against)) {
  const add = (what: string, run: () => Promise<Figures>) =>
    contenders.push({ name: what + checkout.name, run });
  add("--version", () => ended(modeCommand(checkout, ["--version"])));
  add("agent to its first check", async () => {
    const first = new Promise<void>((resolve) => asked = resolve);
    const websites = Object.fromEntries(
      Array.from({ length: SITES }, (_, n) => [
        `http://127.0.0.1:${site.addr.port}/${n}`,
        { frequency: 1 },
      ]),
    );
    const state_dir = await Deno.makeTempDir({ dir: folder });
    const config = bench.config({ topic: "checks", websites, agent: { state_dir } });
    return await until(checkout, ["agent", "-c", config], () => first);
  });
  add("writer to its first row", async () => {
    const database = await bench.database(checkout);
    const config = bench.config({ topic: "waiting", dsn: database.dsn });
    return await until(
      checkout,
      ["writer", "-c", config],
      () => waitFor("the first row", async () => await database.stored() > 0, WITHIN_MS, 5),
    );
  });
}
await report("start", await inTurn(contenders, Number(args.rounds ?? 9)), args.json);
await site.shutdown();
await bench[Symbol.asyncDispose]();
process.exit(0);

/** From a mode's start until something comes of it, which ends it. */
async function until(
  checkout: Checkout,
  args: string[],
  come: () => Promise<void>,
): Promise<Figures> {
  const start = performance.now();
  const program = await startMode(checkout, args, folder);
  await come();
  const ms = performance.now() - start;
  const { cpu } = usageOf(program.pid);
  await program.stop("SIGKILL", 0);
  return { ms, "CPU ms": cpu * 1000 };
}

/** From a program's start to its end. */
async function ended([command, ...args]: string[]): Promise<Figures> {
  const start = performance.now();
  const { code } = await new Deno.Command(command!, { args, stdout: "null" }).output();
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  return { ms: performance.now() - start };
}
