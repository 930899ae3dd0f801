import { z } from "zod";
import { AUTH_SCHEMAS } from "../../agent/auth/index.ts";
import { RULE_SCHEMAS, toRules } from "../../agent/rules/index.ts";
import { alertingKeys, toAlerting } from "../../alerts/config/site.ts";
import {
  flag,
  labels,
  number,
  onOff,
  optional,
  optionalAll,
  optionalSection,
  section,
  whole,
  withDefault,
} from "../fields.ts";
import { type Header, headersOf, mergeHeaders, requestKeys, toRequest } from "./site_request.ts";
import { type Maintenance, maintenanceList, toMaintenance } from "./maintenance.ts";
import type { Secret } from "../source/outside.ts";
import { NO_FILES, type SiteFiles } from "./site_files.ts";

/** Both bounds keep a timer below 2^31 - 1 ms (24.8 days), past which it would fire at once. */
const MAX_TIMEOUT_S = 86_400;
const MAX_FREQUENCY_S = 604_800;

const FREQUENCY =
  `a number from 1 to ${MAX_FREQUENCY_S} (seconds between the starts of two checks)`;
const RETRIES = 'a map with "attempts" and "delay"';

const settingKeys = {
  timeout: optional(number(0, MAX_TIMEOUT_S, "seconds")),
  frequency: optional(
    z.number({ error: FREQUENCY }).min(1, { error: FREQUENCY })
      .max(MAX_FREQUENCY_S, { error: FREQUENCY }),
  ),
  retries: optionalSection({
    attempts: withDefault(whole(1, 10), 2),
    delay: withDefault(number(0, 3_600, "seconds"), 5),
  }, RETRIES),
  ...optionalAll(RULE_SCHEMAS),
  ...requestKeys,
  // That it has one kind is checked in site_checks.ts; {} is none, whatever the defaults say.
  auth: optionalSection(optionalAll(AUTH_SCHEMAS)),
  evidence: optional(onOff()),
  maintenance: optional(maintenanceList),
  ...alertingKeys,
  labels: optional(labels),
  enabled: optional(flag()),
};

const WHAT = "a map of settings, {} for all defaults";
const USE = "the name of a template, or a list of them";

/** What the YAML may say of one site; websites.ts checks `url`, as it may be the key, too. */
export const siteSchema = section({
  url: optional(z.string({ error: "a URL" })),
  use: optional(
    z.union([z.string(), z.array(z.string({ error: "the name of a template" }))], { error: USE })
      .transform((given) => Array.isArray(given) ? given : [given]),
  ),
  ...settingKeys,
}, WHAT);

/** What holds for several sites: `defaults:` of the YAML, and each template. */
export const settingsSchema = section(settingKeys, "a map of settings");

/** The settings of a site, a template or the defaults, with what is known of them beside. */
export interface Layer {
  yaml: z.output<typeof settingsSchema>;
  /** What the files hold that it names; `body` stands for the key `body`, too. */
  files: SiteFiles;
  secrets: readonly Secret[];
}

/** A layer of checked settings. @param secrets What was put into them from outside */
export function toLayer(
  yaml: Layer["yaml"],
  files: SiteFiles = NO_FILES,
  secrets: readonly Secret[] = [],
): Layer {
  if (yaml.body !== null) return { yaml, secrets, files: { ...files, body: encoded(yaml.body) } };
  const ofBody = files.body && secretOfBody(files.body, yaml.body_file!);
  return { yaml, secrets: ofBody ? [...secrets, ofBody] : secrets, files };
}

/** How a site is checked: each setting is that of the first layer that says something. */
export function toSettings(layers: readonly Layer[]) {
  const said = (key: keyof Layer["yaml"]) => layers.find(({ yaml }) => yaml[key] !== null);
  const yaml = Object.fromEntries(
    Object.keys(settingKeys).map((key) => {
      const name = key as keyof Layer["yaml"];
      return [name, said(name)?.yaml[name] ?? null];
    }),
  ) as Layer["yaml"];
  // Of headers and labels, each by itself.
  const lastFirst = layers.toReversed();
  const body = layers.find(({ yaml }) => yaml.body !== null || yaml.body_file !== null)?.files.body;
  const withSecrets = layers.filter(({ secrets }) => secrets.length > 0);
  return {
    timeoutMs: milliseconds(yaml.timeout ?? 120),
    frequencyMs: milliseconds(yaml.frequency ?? 60),
    /** How often a check that finds the site down is tried in all, and how long after the one before. */
    retries: {
      attempts: yaml.retries?.attempts ?? 1,
      delayMs: milliseconds(yaml.retries?.delay ?? 5),
    },
    /** "timed" sees every phase and the certificate; "fetch" is the platform's own. */
    client: yaml.client ?? "timed",
    request: toRequest(yaml, {
      headers: lastFirst.reduce<readonly Header[]>(
        (headers, { yaml }) => mergeHeaders(headers, headersOf(yaml)),
        [],
      ),
      body: body?.length ? body : null,
      tls: said("tls")?.files.tls ?? null,
    }),
    /** Null: none. */
    auth: Object.values(yaml.auth ?? {}).find((auth) => auth !== null) ?? null,
    rules: toRules(yaml),
    /** Go into each result of the site. */
    labels: Object.fromEntries(lastFirst.flatMap(({ yaml }) => yaml.labels ?? [])) as Readonly<
      Record<string, string>
    >,
    /** Whether a result that is down or degraded keeps what the site answered. */
    evidence: yaml.evidence ?? true,
    /** Names of those that are told of its incidents; null: all. */
    channels: yaml.channels as readonly string[] | null,
    /** What the site says of its incidents. */
    alerting: toAlerting(yaml),
    /** When results are marked as of a maintenance. */
    maintenance: (yaml.maintenance ?? []).map(toMaintenance) as readonly Maintenance[],
    /** What was put into its settings from the environment or a file. */
    secrets: withSecrets.length === 1
      ? withSecrets[0]!.secrets
      : withSecrets.flatMap(({ secrets }) => secrets),
  };
}

export type SiteSettings = ReturnType<typeof toSettings>;

/** Whether the first layer that says something of it says that the site is to be checked. */
export function isEnabled(layers: readonly Layer[]): boolean {
  return layers.find(({ yaml }) => yaml.enabled !== null)?.yaml.enabled ?? true;
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A body longer than this is not looked for in what a site answers. */
const MAX_SECRET_BODY_BYTES = 16 * 1024;

/** The content of a `body_file`, which a site may show; null where it is none that it could. */
function secretOfBody(body: Uint8Array, file: string): Secret | null {
  if (body.length > MAX_SECRET_BODY_BYTES) return null;
  const value = new TextDecoder().decode(body).trim();
  return value.length < 4 ? null : { value, name: `\${${file}}` };
}

/** Whole milliseconds, at least 1. */
function milliseconds(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1000));
}
