/**
 * `deno task simulate alerts`: plays histories of sites and agents through the alerters' state machine,
 * and shows what it would tell of.
 */
import { parseArgs } from "@std/cli/parse-args";
import { generate, type Trouble } from "./simulate/generate.ts";
import { pages, picture, type Row } from "./simulate/picture.ts";
import { readAtOnce, readSideBySide } from "./simulate/read.ts";
import { readRecorded } from "./simulate/recorded.ts";
import { seeded } from "./simulate/seeded.ts";
import { World, type WorldOptions } from "./simulate/world.ts";
import type { Observation } from "../alerts/state/votes.ts";

const USAGE = `Usage: deno task simulate alerts [--seed N] [--sites N] [--agents N] [--minutes N]
       deno task simulate alerts --play MESSAGES [--config FILE]`;
const MINUTE_MS = 60_000;
const COLUMNS = 100;
const PARTITIONS = 3;
/** Behind the last result, so that silence is seen. */
const AFTER_MS = 15 * MINUTE_MS;
const MARKS: Record<string, string> = { up: ".", degraded: "s", down: "D", unobserved: "-" };

const args = parseArgs(Deno.args, {
  string: ["play", "config", "seed", "sites", "agents", "minutes"],
});
const [what] = args._;
const number = (name: string, otherwise: number) => {
  const value = Number(args[name] ?? otherwise);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`Expected a whole number from 1 up for --${name}, found "${args[name]}"\n${USAGE}`);
  Deno.exit(2);
};
if (what !== "alerts") {
  console.error(USAGE);
  Deno.exit(2);
}

const seed = number("seed", 1);
const { results, troubles, names, options } = args.play
  ? { ...await readRecorded(args.play, args.config ?? null), troubles: [] as Trouble[] }
  : generated();
if (results.length === 0) {
  console.error("There is no result to play");
  Deno.exit(1);
}
const start = Math.floor(results[0]!.ts / 1_000);
const end = results.at(-1)!.at + AFTER_MS;
const stepMs = Math.max(MINUTE_MS, Math.ceil((end - start) / COLUMNS / MINUTE_MS) * MINUTE_MS);
const times = Array.from(
  { length: Math.ceil((end - start) / stepMs) },
  (_, n) => start + (n + 1) * stepMs,
);

const world = new World({ ...options, partitions: PARTITIONS });
const agents = [...new Set(results.map(({ agent }) => agent))].sort();
const rows: Row[] = [...names, ...agents].map((name) => ({ name, marks: "" }));
readAtOnce(results, world, PARTITIONS, times, () => {
  names.forEach((_, n) => rows[n]!.marks += MARKS[world.level(n + 1) ?? ""] ?? " ");
  agents.forEach((uuid, n) => {
    const state = world.agent(uuid);
    rows[names.length + n]!.marks += state === null
      ? " "
      : state.silentSince !== null
      ? "-"
      : state.networkSince !== null
      ? "N"
      : ".";
  });
});

console.log(`${results.length} results of ${names.length} sites by ${agents.length} agents\n`);
for (const { what, of, from, until } of troubles) {
  const who = what === "down" || what === "slow" ? names[of] : agents[of] ?? `agent-${of + 1}`;
  console.log(`  ${who} is ${what} from minute ${from} to ${until}`);
}
console.log(`\n${picture(rows, stepMs / MINUTE_MS)}`);
console.log(
  "\n. up or heard   s degraded   D down   - unobserved or silent   N has lost most sites\n",
);
console.log(pages(world.changes, start).join("\n") || "Nothing is told of");

const live = new World({ ...options, partitions: PARTITIONS });
readSideBySide(results, live, PARTITIONS, times.at(-1)!, seeded(seed + 1));
const facts = (of: World) => of.changes.map((change) => JSON.stringify(change)).sort().join("\n");
const isSame = facts(live) === facts(world);
console.log(
  `\nRead side by side, with alerters that take over: ${isSame ? "the same" : "NOT THE SAME"}`,
);
Deno.exit(isSame ? 0 : 1);

function generated(): {
  results: Observation[];
  troubles: Trouble[];
  names: string[];
  options: WorldOptions;
} {
  const sites = number("sites", 6);
  const rules = { failureThreshold: 3, successThreshold: 2, downWhen: "majority" as const };
  return {
    ...generate({
      sites,
      agents: number("agents", 3),
      minutes: number("minutes", 80),
      random: seeded(seed),
    }, Date.UTC(2026, 0, 1)),
    names: Array.from({ length: sites }, (_, n) => `site ${n + 1}`),
    options: {
      policyOf: (site) => ({
        ...rules,
        isGateway: false,
        isExpected: true,
        host: `host-${site}`,
        parents: [],
        children: [],
        slo: null,
      }),
    },
  };
}
