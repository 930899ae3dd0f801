/**
 * Where the program begins, and the only place that exits. The rest is loaded when it is known to be
 * needed: Node's part of Deno alone takes as long as Deno's own start, and scripts and service managers
 * ask for `--version` often.
 */
import { VERSION } from "./runtime/cli/version.ts";

async function begin(): Promise<void> {
  const { default: process } = await import("node:process");
  try {
    const { main } = await import("./program.ts");
    process.exit(await main(process.argv.slice(2), () => process.exit(1)));
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}

if (import.meta.main) {
  // Of Deno's own, as Node's arguments are in what is loaded later there.
  const { Deno } = globalThis as { Deno?: { args: readonly string[] } };
  const isVersionAsked = /^(-v|--version)$/.test(Deno?.args.join(" ") ?? "");
  if (isVersionAsked) console.log(`httpmon ${VERSION}`);
  else void begin();
}
