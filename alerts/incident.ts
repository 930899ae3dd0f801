import type { Evidence } from "./state/change.ts";

/** A site, or what else has an incident: how it is named, and who is told of it. */
export interface About {
  name: string;
  /** Empty where it is no site. */
  url: string;
  /** As its config names them; null: it names none. */
  channels: readonly string[] | null;
  labels: Readonly<Record<string, string>>;
}

/** An incident as the database has it, its times in ISO 8601, UTC. */
export interface IncidentRow {
  id: string;
  site_id: number | null;
  agent: string | null;
  channel: string | null;
  kind: string;
  severity: string;
  opened_at: string;
  closed_at: string | null;
  cause: string;
  locations: string[];
  evidence: (Omit<Evidence, "since"> & { since: string })[];
  labels: Readonly<Record<string, string>>;
}

/** SQL for a time in ISO 8601, under its own name. */
export const utc = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;

/** SQL for an `IncidentRow`. */
export const INCIDENT_ROW = `id::text, site_id, agent, channel, kind, severity, ${
  utc("opened_at")
}, ${utc("closed_at")}, cause, locations, evidence, labels`;
