import { z } from "zod";
import { agentPart } from "../agent/config.ts";
import { alertsPart } from "../alerts/config/alerts.ts";
import { databasePart } from "../db/config.ts";
import { kafkaPart } from "../kafka/config.ts";
import { webPart } from "../web/config/web.ts";
import { writerPart } from "../writer/config.ts";
import { anyCase, section, withDefault } from "./fields.ts";
import { settingsSchema } from "./site/site.ts";
import { templatesSchema, websitesSchema } from "./site/websites.ts";

const INCLUDE = 'paths of files, "*" and "?" for any characters ("sites.d/*.yaml")';

const sections = {
  loglevel: withDefault(anyCase("DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"), "ERROR"),
  kafka: kafkaPart.schema,
  include: withDefault(
    z.array(z.string({ error: INCLUDE }).min(1, { error: INCLUDE }), {
      error: `a list of ${INCLUDE}`,
    }),
    [],
  ),
  websites: websitesSchema,
  templates: templatesSchema,
  defaults: settingsSchema,
  agent: agentPart.schema,
  writer: writerPart.schema,
  alerts: alertsPart.schema,
  web: webPart.schema,
  database: databasePart.schema,
};

/** All that the YAML may say, with its defaults. Each mode's section is a part of its own folder. */
export const configSchema = section(sections);

/** A key at the top of the YAML. */
export type SectionName = keyof typeof sections;
