import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import type { Mode } from "../runtime/cli/modes.ts";
import { agentPart } from "../agent/config.ts";
import { alertsPart } from "../alerts/config/alerts.ts";
import { databasePart } from "../db/config.ts";
import { kafkaPart } from "../kafka/config.ts";
import { webPart } from "../web/config/web.ts";
import { writerPart } from "../writer/config.ts";
import { checkNeeds, type ConfigFor, usesSection } from "./mode_parts.ts";
import type { Loading } from "./part.ts";
import { ConfigError, Findings, inFileOrder } from "./say/findings.ts";
import { validate } from "./say/validate.ts";
import { configSchema } from "./schema.ts";
import { loadSites } from "./site/websites.ts";
import { Outside } from "./source/outside.ts";
import type { ReadFile } from "./source/read_text.ts";
import { resolveValues } from "./source/resolve.ts";
import { readSources } from "./source/sources.ts";
import type { Config } from "./types.ts";

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

  const resolving = { schema: configSchema, env, reader, outside, findings, usesSection: uses };
  const root = resolveValues(raw, resolving);
  const yaml = validate(configSchema, root, outside, findings);
  const loading: Loading = { root, mode, uses, cwd, env, reader, outside, findings };
  const toSites = loadSites(loading);
  const toKafka = kafkaPart.load(loading);
  const toAgent = agentPart.load(loading);
  const toWriter = writerPart.load(loading);
  const toAlerts = alertsPart.load(loading);
  const toWeb = webPart.load(loading);
  const toDatabase = databasePart.load(loading);
  if (mode !== undefined) checkNeeds(mode, root, findings);
  problems.push(...findings.problems.map((one) => ({ ...one, file: fileOf(one.path) })));
  if (yaml === null || problems.length > 0) {
    throw new ConfigError(file, inFileOrder(problems, raw));
  }

  const config: Config = {
    loglevel: yaml.loglevel,
    kafka: toKafka(yaml.kafka),
    ...toSites(yaml),
    agent: toAgent(yaml.agent),
    writer: toWriter(yaml.writer),
    alerts: toAlerts(yaml.alerts),
    web: toWeb(yaml.web),
    database: toDatabase(yaml.database),
    includePatterns: patterns,
    secrets: outside.allSecrets(),
    dsnAsWritten: outside.writtenAt(["database", "writer", "dsn"]) ??
      outside.writtenAt(["database", "dsn"]),
  };
  // checkNeeds() has seen to what the mode needs.
  return config as ConfigFor<M>;
}
