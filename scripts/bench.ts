/** `deno task bench NAME [ARG ...]`: runs scripts/bench_NAME.ts. */
const BENCHES = [
  "agent",
  "alerts",
  "end",
  "history",
  "migrate",
  "start",
  "storage",
  "web",
  "writer",
];

const [name = "", ...args] = Deno.args;
if (!BENCHES.includes(name)) {
  console.error(`Usage: deno task bench ${BENCHES.join("|")} [ARG ...]`);
  Deno.exit(2);
}
const script = new URL(`./bench_${name}.ts`, import.meta.url).href;
const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", script, ...args] }).spawn();
Deno.exit((await child.status).code);
