import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import type { Mode } from "../runtime/modes.ts";
import { toAgent } from "./agent.ts";
import { checkChannels, toAlerts } from "./alerts.ts";
import { checkDatabase, toDatabase } from "./database.ts";
import { inFileOrder } from "./source/file_order.ts";
import { Findings } from "./say/findings.ts";
import { checkKafka, toKafka } from "./kafka.ts";
import { checkNeeds, type ConfigFor, usesSection } from "./mode_parts.ts";
import { Outside } from "./source/outside.ts";
import { ConfigError } from "./say/problem.ts";
import type { ReadFile } from "./source/read_text.ts";
import { resolveValues } from "./source/resolve.ts";
import { configSchema } from "./schema.ts";
import { isGiven } from "./source/raw.ts";
import { readSources } from "./source/sources.ts";
import { readKafkaTlsFiles } from "./tls_files.ts";
import type { Config } from "./types.ts";
import { validate } from "./say/validate.ts";
import { checkDependsOn } from "./site/alerting.ts";
import { checkSettings, checkWebsites, readWebsiteFiles, toSites } from "./site/websites.ts";
import { toWeb } from "./web.ts";
import { checkAccess } from "./web_access.ts";
import { readLogo } from "./web_status.ts";
import { toWriter } from "./writer.ts";

/** What loading needs of the world around it. */
export interface LoadOptions<M extends Mode> {
  /**
   * The mode that the config is for. Its needs are checked, and sections that it does not read may
   * refer to variables and files that are not here. Without a mode, everything is read.
   */
  mode?: M;
  /** Where the person stood: the config's path is relative to it. */
  cwd?: string;
  /** @default process.env */
  env?: Readonly<Record<string, string | undefined>>;
  /** @default node:fs readFileSync */
  readFile?: ReadFile;
  /** Whether a file that does not exist is as one that says nothing. @default false */
  isOptional?: boolean;
}

/**
 * Reads a config file, and the files that it names (relative ones from the config file's folder).
 * Secrets are in what it gives, never in what it throws.
 *
 * @param file As the person named it; messages show it so
 * @throws {ConfigError} With everything that is wrong
 */
export function loadConfig<M extends Mode>(
  file: string,
  options: LoadOptions<M> = {},
): ConfigFor<M> {
  const { mode, cwd = process.cwd(), env = process.env, readFile = readFileSync } = options;
  const { isOptional = false } = options;
  const path = resolve(cwd, file);
  const outside = new Outside();
  const findings = new Findings((path) => outside.has(path));
  const uses = (name: string) => usesSection(mode, name);
  const { root: raw, patterns, fileOf, problems } = readSources(file, path, { readFile }, env, {
    isOptional,
    withIncluded: uses("websites"),
  });
  const reader = { readFile, folder: dirname(path) };

  const root = resolveValues(raw, {
    schema: configSchema,
    env,
    reader,
    outside,
    findings,
    usesSection: uses,
  });
  const yaml = validate(configSchema, root, outside, findings);
  checkWebsites(root.websites, outside, findings);
  checkSettings(root, uses("websites"), findings);
  // An agent's config may lie apart from the alerter's.
  if (mode === "alerts" || isGiven(root.alerts) && uses("alerts")) {
    checkChannels(root, findings);
    checkDependsOn(root, findings);
  }
  checkKafka(root.kafka, findings);
  if (uses("database")) checkDatabase(root, findings);
  checkAccess(root, (path) => outside.has(path), findings);
  if (mode !== undefined) checkNeeds(mode, root, findings);
  const pem = readKafkaTlsFiles(uses("kafka") ? root.kafka : null, reader, findings);
  const logo = uses("web") ? readLogo(root, reader, findings) : null;
  const files = readWebsiteFiles(uses("websites") ? root : {}, reader, findings);
  problems.push(...findings.problems.map((one) => ({ ...one, file: fileOf(one.path) })));
  if (yaml === null || problems.length > 0) {
    throw new ConfigError(file, inFileOrder(problems, raw));
  }

  const config: Config = {
    loglevel: yaml.loglevel,
    kafka: toKafka(yaml.kafka, pem),
    ...toSites(yaml, files, outside),
    agent: toAgent(yaml.agent, { folder: reader.folder, cwd, given: env.STATE_DIRECTORY }),
    writer: toWriter(yaml.writer),
    alerts: toAlerts(yaml.alerts),
    web: toWeb(yaml.web, logo),
    database: toDatabase(yaml.database),
    includePatterns: patterns,
    secrets: outside.allSecrets(),
    dsnAsWritten: outside.writtenAt(["database", "writer", "dsn"]) ??
      outside.writtenAt(["database", "dsn"]),
  };
  // checkNeeds() has seen to what the mode needs.
  return config as ConfigFor<M>;
}
