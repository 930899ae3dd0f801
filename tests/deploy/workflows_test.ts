import { assert, assertEquals } from "@std/assert";
import yaml from "js-yaml";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OLDEST_NODE } from "../../scripts/build/node_versions.ts";
import { ROOT, TASKS } from "../../scripts/build/project.ts";

const FOLDER = join(ROOT, ".github/workflows");

interface Job {
  needs?: string | string[];
  steps?: { run?: string }[];
  strategy?: { matrix: Record<string, unknown[]> };
}

const jobsOf = (name: string) =>
  (yaml.load(readFileSync(join(FOLDER, name), "utf8")) as { jobs: Record<string, Job> }).jobs;

for (const name of readdirSync(FOLDER)) {
  Deno.test(`${name} runs tasks, tests and jobs that are there`, () => {
    const jobs = jobsOf(name);
    for (const { needs = [], steps = [] } of Object.values(jobs)) {
      for (const job of [needs].flat()) assert(jobs[job], job);
      for (const { run = "" } of steps) {
        for (const [, task] of run.matchAll(/deno task ([\w:-]+)/g)) assert(TASKS[task!], task);
        for (const [path] of run.matchAll(/\btests\/[\w./-]+/g)) {
          assert(existsSync(join(ROOT, path)), path);
        }
      }
    }
  });
}

Deno.test("the gate covers the Nodes, the PostgreSQLs and the Kafkas that are promised", () => {
  const { node, postgres, kafka } = jobsOf("gate.yaml");
  assertEquals(node!.strategy!.matrix.node, [OLDEST_NODE, "22", "24"]);
  assertEquals(postgres!.strategy!.matrix.version, [14, 15, 16, 17, 18]);
  assertEquals(
    kafka!.strategy!.matrix.version!.map((version) => String(version).split(".")[0]),
    ["3", "4"],
  );
});
