/** `deno task bench NAME|all [ARG ...]`: runs scripts/bench/NAME.ts, or each of them. */
import { readdirSync } from "node:fs";

const folder = new URL("./bench/", import.meta.url);
const names = readdirSync(folder).map((file) => file.replace(/\.ts$/, "")).sort();
const [name = "", ...args] = Deno.args;
if (name !== "all" && !names.includes(name)) {
  console.error(`Usage: deno task bench all|${names.join("|")} [ARG ...]`);
  Deno.exit(2);
}
let failed = 0;
for (const each of name === "all" ? names : [name]) {
  const script = new URL(`${each}.ts`, folder).href;
  const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", script, ...args] }).spawn();
  failed = (await child.status).code || failed;
}
Deno.exit(failed);
