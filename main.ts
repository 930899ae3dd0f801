/**
 * Where the program begins, and the only place that exits. The rest is loaded when it is known to be
 * needed: Node's part of Deno alone takes as long as Deno's own start, and scripts and service managers
 * ask for `--version` and `--help` often.
 */
import { helpText } from "./runtime/cli/help.ts";
import { isMode } from "./runtime/cli/modes.ts";
import { VERSION } from "./runtime/cli/version.ts";

/** What needs nothing else, not even the permission to load it; null: the arguments ask for more. */
function answerTo(args: readonly string[]): string | null {
  if (/^(-v|--version)$/.test(args.join(" "))) return `httpmon ${VERSION}`;
  const others = args.filter((arg) => arg !== "-h" && arg !== "--help");
  if (others.length === args.length) return null;
  if (others.length === 0) return helpText(null);
  return others.length === 1 && isMode(others[0]!) ? helpText(others[0]) : null;
}

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
  const answer = answerTo(Deno?.args ?? []);
  if (answer !== null) console.log(answer);
  else void begin();
}
