import { z } from "zod";
import { agentSchema } from "./agent.ts";
import { alertsSchema } from "./alerts.ts";
import { databaseSchema } from "./database.ts";
import { anyCase, section, withDefault } from "./fields.ts";
import { kafkaSchema } from "./kafka.ts";
import { settingsSchema } from "./site/site.ts";
import { templatesSchema, websitesSchema } from "./site/websites.ts";
import { webSchema } from "./web.ts";
import { writerSchema } from "./writer.ts";

const INCLUDE = 'paths of files, "*" and "?" for any characters ("sites.d/*.yaml")';

/**
 * All that the YAML may say, with its defaults. Each section is in its own file, with the checks
 * that span several keys and the way to the `Config` of types.ts.
 */
export const configSchema = section({
  loglevel: withDefault(anyCase("DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"), "ERROR"),
  kafka: kafkaSchema,
  include: withDefault(
    z.array(z.string({ error: INCLUDE }).min(1, { error: INCLUDE }), {
      error: `a list of ${INCLUDE}`,
    }),
    [],
  ),
  websites: websitesSchema,
  templates: templatesSchema,
  defaults: settingsSchema,
  agent: agentSchema,
  writer: writerSchema,
  alerts: alertsSchema,
  web: webSchema,
  database: databaseSchema,
});

/** A key at the top of the YAML. */
export type SectionName =
  | "loglevel"
  | "kafka"
  | "include"
  | "websites"
  | "templates"
  | "defaults"
  | "agent"
  | "writer"
  | "alerts"
  | "web"
  | "database";
