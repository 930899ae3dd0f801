import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { networks, onOff, optional, section, text, whole, withDefault } from "./fields.ts";
import { listen } from "./listen.ts";
import { named } from "./say/named.ts";
import { checkUrl } from "./site/urls.ts";

const UUID = 'a UUID ("0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90")';
/** They go into each result. */
const MAX_LABELS = 32;
const MAX_TEXT = 255;
const MIB = 1_048_576;
const HOURS = "a number over 0 and at most 87600 (hours)";

const LOCATION = `a text of at most ${MAX_TEXT} characters`;
const LABEL = `${LOCATION} (a number in quotes)`;
const LABEL_NAME = 'a label\'s name (at most 63 letters, digits and "_", no digit first)';

const MAX_CONTROLS = 5;
const CONTROLS = `a list of at most ${MAX_CONTROLS} controls`;
const CONTROL = "host:port or an http or https URL";

function isControl(control: string): boolean {
  if (control.includes("://")) return checkUrl(control) === null;
  const url = URL.parse(`tcp://${control}`);
  return url !== null && url.hostname !== "" && url.port !== "" && url.host === control;
}

/** A map from label to text. */
export const labels = named<[name: string, value: string]>(
  "a map from label to text",
  (name, value, complaints) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) return complaints.ofKey(LABEL_NAME);
    const parsed = text(LABEL).max(MAX_TEXT).safeParse(value);
    return parsed.success ? [name, parsed.data] : complaints.ofValue(LABEL);
  },
).refine((given) => given.length <= MAX_LABELS, { error: `at most ${MAX_LABELS} labels` });

/** `agent:` of the YAML. */
export const agentSchema = section({
  uuid: optional(
    z.string({ error: UUID }).regex(/^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/, {
      error: UUID,
    }),
  ),
  state_dir: optional(text("a path of a folder")),
  max_concurrent_checks: optional(whole(1, 100_000)),
  controls: withDefault(
    z.array(z.string().refine(isControl, { error: CONTROL }), { error: CONTROLS }).max(
      MAX_CONTROLS,
      { error: CONTROLS },
    ),
    [],
  ),
  deny_networks: optional(networks),
  location: optional(text(LOCATION).max(MAX_TEXT, { error: LOCATION })),
  labels: withDefault(labels, []),
  listen: optional(listen),
  metrics_per_site: withDefault(onOff(), false),
  outbox_max_bytes: withDefault(whole(MIB, undefined, "bytes"), 1024 * MIB),
  outbox_max_age_hours: withDefault(
    z.number({ error: HOURS }).gt(0, { error: HOURS }).max(87_600, { error: HOURS }),
    168,
  ),
  shutdown_timeout_ms: withDefault(whole(0, 600_000, "milliseconds"), 10_000),
});

/** Where the state folder may be. */
export interface StatePlaces {
  /** The config file's: `state_dir` is from there. */
  folder: string;
  /** Where the person stood: `state_dir` was from there, before. */
  cwd: string;
  /** Folders with ":" between them, as systemd's StateDirectory= gives them to a service. */
  given: string | undefined;
}

/**
 * The state folder, absolute: `state_dir`, or what the process's manager made for it, or "state". One
 * that is where it was looked for before is used until there is one in the present place.
 */
export function stateDirOf(named: string | null, { folder, cwd, given }: StatePlaces): string {
  const present = resolve(folder, named ?? (given?.split(":")[0] || "state"));
  const before = resolve(cwd, named ?? "state");
  const isUsed = (path: string) => existsSync(join(path, "outbox.db"));
  return isUsed(before) && !isUsed(present) ? before : present;
}

/** The config of a checked `agent:`. */
export function toAgent(yaml: z.output<typeof agentSchema>, places: StatePlaces) {
  return {
    /** Null: the one kept in the state folder, made at the first start. */
    uuid: yaml.uuid?.toLowerCase() ?? null,
    /** Absolute. */
    stateDir: stateDirOf(yaml.state_dir, places),
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
  };
}

export type AgentConfig = ReturnType<typeof toAgent>;
