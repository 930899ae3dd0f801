/** `deno task ok`: the whole gate, each step as a person would run it; stops at the first failure. */
const STEPS: [name: string, args: string[]][] = [
  ["Format", ["fmt", "--check"]],
  ["Lint", ["lint"]],
  ["Types", ["task", "check"]],
  ["Node build", ["task", "build:node"]],
  ["Tests", ["task", "test", "--all"]],
];

for (const [name, args] of STEPS) {
  console.log(`== ${name}: deno ${args.join(" ")}`);
  const start = performance.now();
  const { code } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  console.log(`== ${name}: ${code === 0 ? "ok" : "failed"}, ${seconds(start)} s`);
  if (code !== 0) Deno.exit(1);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
