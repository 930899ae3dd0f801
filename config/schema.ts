import { agentSchema } from "./agent.ts";
import { databaseSchema } from "./database.ts";
import { anyCase, section, withDefault } from "./fields.ts";
import { kafkaSchema } from "./kafka.ts";
import { defaultsSchema } from "./site.ts";
import { websitesSchema } from "./websites.ts";
import { writerSchema } from "./writer.ts";

/**
 * All that the YAML may say, with its defaults. Each section is in its own file, with the checks
 * that span several keys and the way to the `Config` of types.ts.
 */
export const configSchema = section({
  loglevel: withDefault(anyCase("DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"), "ERROR"),
  kafka: kafkaSchema,
  websites: websitesSchema,
  defaults: defaultsSchema,
  agent: agentSchema,
  writer: writerSchema,
  database: databaseSchema,
});

/** A key at the top of the YAML. */
export type SectionName =
  | "loglevel"
  | "kafka"
  | "websites"
  | "defaults"
  | "agent"
  | "writer"
  | "database";
