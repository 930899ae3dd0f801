/** The modes, each with the line that `--help` shows of it. */
export const MODES = {
  agent: "check the configured sites and publish every result to Kafka",
  writer: "store published results in PostgreSQL, each once",
  "init-schema": "make or upgrade the tables; safe to run at any time",
  dbdump: "print stored results as JSON lines",
} as const;

export type Mode = keyof typeof MODES;

/** Whether `name` is a mode's. */
export function isMode(name: string): name is Mode {
  return Object.hasOwn(MODES, name);
}
