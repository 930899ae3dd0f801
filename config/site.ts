import { z } from "zod";
import { number, optional, optionalSection, section, whole, withDefault } from "./fields.ts";
import { authSchema, toAuth } from "./http_auth.ts";
import { mergeHeaders } from "./headers.ts";
import { maintenanceList, toMaintenance } from "./maintenance.ts";
import { NO_FILES, type SiteFiles } from "./site_files.ts";
import { headersOf, requestKeys, toRequest } from "./site_request.ts";
import { ruleKeys, toRules } from "./site_rules.ts";
import type { Site, SiteSettings } from "./types.ts";

/** Both bounds keep a timer below 2^31 - 1 ms (24.8 days), past which it would fire at once. */
const MAX_TIMEOUT_S = 86_400;
const MAX_FREQUENCY_S = 604_800;

const FREQUENCY =
  `a number from 1 to ${MAX_FREQUENCY_S} (seconds between the starts of two checks)`;
const RETRIES = 'a map with "attempts" and "delay"';
const EVIDENCE = "on or off";

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
  ...ruleKeys,
  ...requestKeys,
  auth: authSchema,
  evidence: optional(
    z.literal([true, false, "on", "off", "true", "false"], { error: EVIDENCE })
      .transform((given) => given === true || given === "on" || given === "true"),
  ),
  maintenance: optional(maintenanceList),
};

const WHAT = "a map of settings, {} for all defaults";

/** What the YAML may say of one site; websites.ts checks `url`, as it may be the key, too. */
export const siteSchema = section(
  { url: optional(z.string({ error: "a URL" })), ...settingKeys },
  WHAT,
);

/** `defaults:` of the YAML: what holds for every site that does not say otherwise. */
export const defaultsSchema = section(settingKeys, "a map of settings");

/** The settings of a site, or of `defaults:`, with what the files hold that they name. */
export interface Layer {
  yaml: z.output<typeof defaultsSchema>;
  /** Of `body` or `body_file`; null where it has neither. */
  body: Uint8Array | null;
  tls: SiteFiles["tls"];
}

/** A layer of checked settings. */
export function toLayer(yaml: Layer["yaml"], { body, tls }: SiteFiles): Layer {
  return { yaml, body: yaml.body === null ? body : new TextEncoder().encode(yaml.body), tls };
}

/** A layer that says nothing. */
export function emptyLayer(): Layer {
  return toLayer(defaultsSchema.parse({}), NO_FILES);
}

/** The config of a checked site; `key` is its key under `websites:`. */
export function toSite(
  key: string,
  yaml: z.output<typeof siteSchema>,
  files: SiteFiles,
  defaults: Layer,
): Site {
  return {
    name: yaml.url === null ? null : key,
    url: yaml.url ?? key,
    ...toSettings(toLayer(yaml, files), defaults),
  };
}

/** A site of which nothing but the URL is said. */
export function defaultSite(url: string): Site {
  return { name: null, url, ...toSettings(emptyLayer(), emptyLayer()) };
}

/** What `own` says, else `defaults`, else httpmon itself; headers are taken from both. */
export function toSettings(own: Layer, defaults: Layer): SiteSettings {
  const yaml = { ...own.yaml };
  for (const key of Object.keys(settingKeys) as (keyof typeof settingKeys)[]) {
    // deno-lint-ignore no-explicit-any
    if (yaml[key] === null) yaml[key] = defaults.yaml[key] as any;
  }
  const body = own.yaml.body === null && own.yaml.body_file === null ? defaults.body : own.body;
  const tls = own.yaml.tls === null ? defaults.tls : own.tls;
  return {
    timeoutMs: milliseconds(yaml.timeout ?? 120),
    frequencyMs: milliseconds(yaml.frequency ?? 60),
    retries: {
      attempts: yaml.retries?.attempts ?? 1,
      delayMs: milliseconds(yaml.retries?.delay ?? 5),
    },
    client: yaml.client ?? "timed",
    request: toRequest(yaml, {
      headers: mergeHeaders(headersOf(defaults.yaml), headersOf(own.yaml)),
      body: body?.length === 0 ? null : body,
      tls,
    }),
    auth: toAuth(yaml.auth),
    rules: toRules(yaml),
    evidence: yaml.evidence ?? true,
    maintenance: (yaml.maintenance ?? []).map(toMaintenance),
    labels: {},
  };
}

/** Whole milliseconds, at least 1. */
function milliseconds(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1000));
}
