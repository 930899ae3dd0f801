import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import {
  labels,
  listen,
  MAX_TEXT,
  networks,
  number,
  onOff,
  optional,
  section,
  text,
  textLike,
  whole,
  withDefault,
} from "../config/fields.ts";
import { type Loading, part } from "../config/part.ts";
import { checkUrl } from "../config/site/urls.ts";

const UUID = 'a UUID ("0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90")';
const MIB = 1_048_576;
const LOCATION = `a text of at most ${MAX_TEXT} characters`;
const MAX_CONTROLS = 5;
const CONTROLS = `a list of at most ${MAX_CONTROLS} controls`;

/** `agent:` of the YAML. */
export const agentPart = part({
  schema: section({
    uuid: optional(textLike(UUID, /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/)),
    state_dir: optional(text("a path of a folder")),
    max_concurrent_checks: optional(whole(1, 100_000)),
    controls: withDefault(
      z.array(textLike("host:port or an http or https URL", isControl), { error: CONTROLS })
        .max(MAX_CONTROLS, { error: CONTROLS }),
      [],
    ),
    deny_networks: optional(networks),
    location: optional(text(LOCATION).max(MAX_TEXT, { error: LOCATION })),
    labels: withDefault(labels, []),
    listen: optional(listen),
    metrics_per_site: withDefault(onOff(), false),
    outbox_max_bytes: withDefault(whole(MIB, undefined, "bytes"), 1024 * MIB),
    outbox_max_age_hours: withDefault(number(0, 87_600, "hours"), 168),
    shutdown_timeout_ms: withDefault(whole(0, 600_000, "milliseconds"), 10_000),
  }),
  load: (loading) => (yaml) => ({
    /** Null: the one kept in the state folder, made at the first start. */
    uuid: yaml.uuid?.toLowerCase() ?? null,
    /** Absolute. */
    stateDir: stateDirOf(yaml.state_dir, loading),
    /** Null: as many as the process's descriptors allow. */
    maxConcurrentChecks: yaml.max_concurrent_checks,
    /** host:port or URLs; what should answer wherever the agent's network is well. */
    controls: yaml.controls as readonly string[],
    /** Where no check goes, "192.0.2.0/24" or an address each; null: what NetworkRules say. */
    denyNetworks: yaml.deny_networks as readonly string[] | null,
    /** Where the agent stands, "eu-west" for one; null: not said. */
    location: yaml.location,
    /** Go into each result. */
    labels: Object.fromEntries(yaml.labels) as Readonly<Record<string, string>>,
    /** Where /metrics, /healthz and /readyz are served; null: nowhere. */
    listen: yaml.listen,
    /** Whether /metrics has those of each site. */
    metricsPerSite: yaml.metrics_per_site,
    outboxMaxBytes: yaml.outbox_max_bytes,
    outboxMaxAgeMs: Math.round(yaml.outbox_max_age_hours * 3_600_000),
    shutdownTimeoutMs: yaml.shutdown_timeout_ms,
  }),
});

export type AgentConfig = ReturnType<ReturnType<typeof agentPart.load>>;

function isControl(control: string): boolean {
  if (control.includes("://")) return checkUrl(control) === null;
  const url = URL.parse(`tcp://${control}`);
  return url !== null && url.hostname !== "" && url.port !== "" && url.host === control;
}

/**
 * The state folder: `state_dir`, or what systemd's StateDirectory= gives, or "state", from the config
 * file's folder. Before, it was from where the person stood: one that is there is used until there is
 * one in the present place.
 */
function stateDirOf(
  named: string | null,
  { cwd, env, reader }: Pick<Loading, "cwd" | "env" | "reader">,
): string {
  const present = resolve(reader.folder, named ?? (env.STATE_DIRECTORY?.split(":")[0] || "state"));
  const before = resolve(cwd, named ?? "state");
  const isUsed = (path: string) => existsSync(join(path, "outbox.db"));
  return isUsed(before) && !isUsed(present) ? before : present;
}
