import type { Reach } from "./reach.ts";
import type { Group } from "./run.ts";

/** Tests that are long: whole programs, built or broken. They are the gate's, and have servers of their own. */
export const LONG = [
  "tests/torture",
  "tests/end_to_end/faults_test.ts",
  "tests/container_test.ts",
  "tests/local/kafka/kafka_test.ts",
  "tests/local/demo/demo_test.ts",
  "tests/scripts/bench_history_test.ts",
  "tests/scripts/benches_test.ts",
  "tests/scripts/bench_migrate_test.ts",
  "tests/scripts/compile_test.ts",
  "tests/scripts/node_build_test.ts",
  "tests/scripts/node_client_test.ts",
  "tests/scripts/npm_package_test.ts",
  "tests/scripts/soak_run_test.ts",
  "tests/web/browser",
];

/** Those that take longest by themselves, which begin first. */
const FIRST = [
  "tests/end_to_end",
  "tests/writer",
  "tests/db/dump",
  "tests/local",
];

/** So many files share a process: those that start nothing, and the others. */
const SIZES = { alone: 1, units: 30, servers: 3 };

export function isIn(file: string, places: readonly string[]): boolean {
  return places.some((place) => file === place || file.startsWith(`${place}/`));
}

/**
 * Puts files together that may share a process, neighbours with neighbours, in the order in which they
 * are to begin: what takes longest first, so that no core is idle at the end.
 */
export function plan(
  files: readonly string[],
  reach: Reach,
  options: { alone?: boolean } = {},
): Group[] {
  const [first, servers, units]: [string[], string[], string[]] = [[], [], []];
  for (const file of files) {
    if (!reach.startsPrograms(file)) units.push(file);
    else (isIn(file, [...FIRST, ...LONG]) ? first : servers).push(file);
  }
  const rank = (file: string) => FIRST.findIndex((place) => isIn(file, [place])) >>> 0;
  first.sort((one, other) => rank(one) - rank(other));
  const size = (name: keyof typeof SIZES) => options.alone ? 1 : SIZES[name];
  return [
    ...chunks(first, size("alone")),
    ...chunks(units, size("units")),
    ...chunks(servers, size("servers")),
  ];
}

function chunks(files: readonly string[], size: number): Group[] {
  const groups: Group[] = [];
  for (let at = 0; at < files.length; at += size) {
    const part = files.slice(at, at + size);
    const more = part.length > 1 ? ` and ${part.length - 1} more` : "";
    groups.push({ name: `${part[0]}${more}`, files: part });
  }
  return groups;
}
