import { assert, assertEquals } from "@std/assert";
import yaml from "js-yaml";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../config/load.ts";
import { isMode } from "../../runtime/cli/modes.ts";
import { ROOT, VERSION } from "../../scripts/build/project.ts";

const FOLDER = join(ROOT, "deploy/kubernetes");
const CONFIG = loadConfig("config.yaml", { cwd: FOLDER, env: { WEB_PASSWORD_HASH: hash() } });

// deno-lint-ignore no-explicit-any
type Resource = any;
const read = (name: string): Resource[] =>
  yaml.loadAll(readFileSync(join(FOLDER, name), "utf8")) as Resource[];
const kustomization = read("kustomization.yaml")[0];
const resources = kustomization.resources.flatMap(read) as Resource[];
const workloads = resources.filter(({ kind }) => /^(Deployment|StatefulSet|Job)$/.test(kind));

function hash(): string {
  return `$scrypt$ln=15,r=8,p=3$${"A".repeat(22)}$${"A".repeat(43)}`;
}

Deno.test("the kustomization names each file, and this version's image", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));
  assertEquals(
    files.sort(),
    ["config.yaml", "kustomization.yaml", ...kustomization.resources].sort(),
  );
  assertEquals(kustomization.images, [{ name: "httpmon", newTag: VERSION }]);
});

Deno.test("each workload runs its mode, by its config, and nothing else", () => {
  assertEquals(workloads.map(({ metadata }) => metadata.name).sort(), [
    "agent",
    "alerts",
    "init-schema",
    "web",
    "writer",
  ]);
  for (const { kind, metadata, spec } of workloads) {
    const mode = metadata.name;
    assert(isMode(mode));
    loadConfig("config.yaml", { mode, cwd: FOLDER, env: { WEB_PASSWORD_HASH: hash() } });
    const pod = spec.template.spec;
    const [container] = pod.containers;
    assertEquals([container.image, container.args[0]], ["httpmon", mode]);
    assertEquals([pod.securityContext.runAsNonRoot, pod.automountServiceAccountToken], [
      true,
      false,
    ]);
    assertEquals(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert(container.resources.limits.memory && container.resources.requests.cpu);
    assertEquals(spec.template.metadata.labels, metadata.labels);
    if (kind === "Job") continue;
    assertEquals(spec.selector.matchLabels, metadata.labels);
    const { listen } = CONFIG[mode as "agent" | "writer" | "alerts" | "web"];
    assertEquals(container.ports, [{ name: "http", containerPort: listen!.port }], mode);
    for (const [probe, path] of [["liveness", "/healthz"], ["readiness", "/readyz"]] as const) {
      assertEquals(container[`${probe}Probe`].httpGet, { path, port: "http" }, mode);
    }
    const budget = resources.find((one) =>
      one.kind === "PodDisruptionBudget" && one.metadata.name === mode
    );
    if (mode !== "web") assertEquals(budget.spec.selector.matchLabels, metadata.labels);
  }
});

Deno.test("an agent's outbox fits its volume", () => {
  const { spec } = workloads.find(({ kind }) => kind === "StatefulSet");
  const [claim] = spec.volumeClaimTemplates;
  const [, gibibytes] = /^(\d+)Gi$/.exec(claim.spec.resources.requests.storage)!;
  assert(Number(gibibytes) * 2 ** 30 > CONFIG.agent.outboxMaxBytes);
  const mounted = spec.template.spec.containers[0].volumeMounts.find((one: Resource) =>
    one.name === claim.metadata.name
  );
  // The image's STATE_DIRECTORY.
  assert(
    readFileSync(join(ROOT, "Dockerfile"), "utf8").includes(
      `STATE_DIRECTORY=${mounted.mountPath}\n`,
    ),
  );
});
