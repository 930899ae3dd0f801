/**
 * What a loaded config is: every default filled in, every secret read, durations in milliseconds.
 * The YAML's own keys are in schema.ts; each mode is handed only the part that it needs. A part that
 * the mode does not use may hold defaults in place of what the file says (see modes.ts).
 */

import type { AgentConfig } from "../agent/config.ts";
import type { AlertRules, AlertsConfig } from "../alerts/config/alerts.ts";
import type { SiteAlerting } from "../alerts/config/site.ts";
import type { DatabaseConfig, RetentionConfig } from "../db/config.ts";
import type { KafkaConfig } from "../kafka/config.ts";
import type { Role, WebAccess } from "../web/config/access.ts";
import type { WebStatus } from "../web/config/status.ts";
import type { WebConfig } from "../web/config/web.ts";
import type { WriterConfig } from "../writer/config.ts";
import type { Listen } from "./fields.ts";
import type { Maintenance } from "./site/maintenance.ts";
import type { SiteSettings } from "./site/site.ts";
import type { SiteTls } from "./site/site_files.ts";
import type { SiteRequest } from "./site/site_request.ts";
import type { Secret } from "./source/outside.ts";

export type { AgentConfig, AlertRules, AlertsConfig, DatabaseConfig, KafkaConfig, Listen };
export type { Maintenance, RetentionConfig, Role, SiteAlerting, SiteRequest, SiteSettings };
export type { SiteTls, WebAccess, WebConfig, WebStatus, WriterConfig };

export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

export interface Config {
  loglevel: LogLevel;
  /** Always there: a file without the section gets the defaults. */
  kafka: KafkaConfig;
  /** Those to check. */
  sites: readonly Site[];
  /** Those that say `enabled: false`. */
  disabledSites: readonly Site[];
  /** Settings by the name of a template, the defaults among them. */
  templates: Readonly<Record<string, SiteSettings>>;
  /** Those of a site of which the file says nothing but the URL. */
  siteDefaults: SiteSettings;
  agent: AgentConfig;
  writer: WriterConfig;
  alerts: AlertsConfig;
  web: WebConfig;
  /** Null where the file names no database. */
  database: DatabaseConfig | null;
  /** Where included files are looked for: absolute, with "*" and "?" in them. */
  includePatterns: readonly string[];
  /** What came from the environment or a file, which is not to be shown. */
  secrets: readonly Secret[];
  /** The DSN as the YAML has it; null where nothing in it came from elsewhere. */
  dsnAsWritten: string | null;
}

/** One thing to check. */
export interface Site extends SiteSettings {
  /** The name given in the config; null where the URL itself is the key. */
  name: string | null;
  /** Exactly as written, for results: a secret in it is there as "${NAME}". */
  url: string;
  /** What is asked for: `url` with its secrets. */
  requestUrl: string;
}

/** The identity of a site: its name where it has one, else its URL. */
export function siteId(site: Pick<Site, "name" | "url">): string {
  return site.name ?? site.url;
}
