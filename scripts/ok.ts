/** `deno task ok`: the whole gate, each step as a person would run it; stops at the first failure. */
import { findChromium } from "../local/chromium.ts";

const STEPS: [name: string, args: string[]][] = [
  ["Format", ["fmt", "--check"]],
  ["Lint", ["lint"]],
  ["Types", ["task", "check"]],
  ["Node build", ["task", "build:node"]],
  ["Tests", ["task", "test", "--all"]],
];

await installChromium();
for (const [name, args] of STEPS) {
  console.log(`== ${name}: deno ${args.join(" ")}`);
  const start = performance.now();
  const { code } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  console.log(`== ${name}: ${code === 0 ? "ok" : "failed"}, ${seconds(start)} s`);
  if (code !== 0) Deno.exit(1);
}

/** Without it the tests in a browser are left out; where it can be had without asking, it is. */
async function installChromium(): Promise<void> {
  if (findChromium() !== null || Deno.uid() !== 0) return;
  console.log("== Browser: apt-get install chromium");
  const install = "apt-get update && apt-get install -y --no-install-recommends chromium";
  const { code } = await new Deno.Command("sh", {
    args: ["-c", `command -v apt-get >/dev/null && ${install}`],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdout: "null",
  }).spawn().status;
  console.log(`== Browser: ${code === 0 ? "ok" : "not to be had, its tests are left out"}`);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
