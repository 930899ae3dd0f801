import { parse } from "@std/yaml";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import process from "node:process";
import { loadConfig } from "../../config/load.ts";
import type { Site } from "../../config/types.ts";
import type { SampleSite } from "../sites.ts";

export const DEMO_TOPIC = "monitoring";

/** Where the demo's servers are. */
export interface DemoPlaces {
  brokers: readonly string[];
  dsn: string;
  stateDir: string;
  /** Free ones of this machine: of the dashboard, and for the metrics that it asks for. */
  ports: { web: number; agent: number; writer: number };
}

/** The text of the config that the demo's programs run with, and the sites that it names. */
export interface DemoConfig {
  text: string;
  sites: readonly Site[];
}

/** Of the sample sites, which the status page shows. */
const GROUP = "samples";

/** A config for the sample sites. JSON, which is YAML too. @param hook Where notifications go */
export function sampleConfig(
  samples: readonly SampleSite[],
  places: DemoPlaces,
  hook: string,
): DemoConfig {
  const websites = Object.fromEntries(
    samples.map((
      { name, url, settings },
    ) => [name, { url, labels: { group: GROUP }, ...settings }]),
  );
  const channels = {
    demo: { type: "webhook", url: hook, secret: `whsec_${randomBytes(32).toString("base64")}` },
  };
  const alerts = { group_wait: 0, channels };
  const status = { groups: [GROUP], title: "Sample sites" };
  const agent = { location: "this machine" };
  return checked("config.yaml", process.cwd(), { websites, alerts, agent }, places, { status });
}

/**
 * A person's own config with the demo's Kafka, PostgreSQL and state folder in the place of theirs.
 *
 * @throws {ConfigError} With everything that is wrong with theirs
 */
export function ownConfig(file: string, cwd: string, places: DemoPlaces): DemoConfig {
  const path = resolve(cwd, file);
  let own: unknown = null;
  try {
    own = parse(readFileSync(path, "utf8"));
  } catch {
    // What is wrong with the file is said by loading it, below and in the product's own words.
  }
  if (typeof own !== "object" || own === null || Array.isArray(own)) {
    loadConfig(file, { mode: "agent", cwd });
    throw new Error(`Config "${file}" cannot be read`);
  }
  return checked(file, cwd, absolutePaths(own, dirname(path)) as object, places);
}

/** Puts the demo's places in and lets the product's loader judge the result under the file's name. */
function checked(
  file: string,
  cwd: string,
  own: object,
  places: DemoPlaces,
  web: object = {},
): DemoConfig {
  const { agent, writer } = own as { agent?: object; writer?: object };
  const { ports } = places;
  const config = {
    ...own,
    loglevel: "INFO",
    kafka: {
      monitoring: {
        bootstrap_servers: [...places.brokers],
        topic: DEMO_TOPIC,
        // Short, so that rows show soon.
        batch_timeout_ms: 500,
      },
    },
    agent: { ...agent, state_dir: places.stateDir, listen: ports.agent },
    writer: { ...writer, listen: ports.writer },
    web: {
      ...web,
      listen: ports.web,
      title: "httpmon demo",
      ops: [ports.agent, ports.writer].map((port) => `http://127.0.0.1:${port}`),
    },
    database: { writer: { dsn: places.dsn } },
  };
  const text = `${JSON.stringify(config, null, 2)}\n`;
  const path = resolve(cwd, file);
  const readFile = (name: string) =>
    name === path ? new TextEncoder().encode(text) : readFileSync(name);
  return { text, sites: loadConfig(file, { mode: "agent", cwd, readFile }).sites };
}

/** Files are named relative to their config's folder, which the demo's config is not in. */
function absolutePaths(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((item) => absolutePaths(item, folder));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const isPath = key.endsWith("file") && typeof item === "string" &&
        !isAbsolute(item) && !item.startsWith("${");
      return [key, isPath ? resolve(folder, item) : absolutePaths(item, folder)];
    }),
  );
}
