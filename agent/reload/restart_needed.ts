import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config/types.ts";

/** The parts of a config that an agent reads at its start alone. */
type AtStart = Pick<Config, "kafka" | "agent">;

/** Keys of the YAML that are not the field's name in snake case. */
const YAML_KEYS: Readonly<Record<string, string>> = {
  tls: "ssl_*",
  sasl: "sasl_*",
  outboxMaxAgeMs: "outbox_max_age_hours",
};

/**
 * The keys of the YAML that differ and that only a restart takes over, in the order of the config;
 * never a value, as some are secret.
 */
export function restartNeededFor(before: AtStart, after: AtStart): string[] {
  return [
    ...changedKeys(before.kafka, after.kafka).map((key) => `kafka.monitoring.${key}`),
    ...changedKeys(before.agent, after.agent).map((key) => `agent.${key}`),
  ];
}

function changedKeys<T extends object>(before: T, after: T): string[] {
  return (Object.keys(before) as (keyof T & string)[])
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => YAML_KEYS[field] ?? field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`));
}
