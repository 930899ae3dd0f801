import type { Evidence } from "./state.ts";

/** A site of a batch. */
export interface BatchSite {
  identity: string;
  name: string | null;
  url: string;
  channels: readonly string[];
}

/** An incident as the database has it, its times in ISO 8601, UTC. */
export interface IncidentRow {
  id: string;
  site_id: number;
  kind: string;
  severity: string;
  opened_at: string;
  closed_at: string | null;
  cause: string;
  locations: string[];
  evidence: (Omit<Evidence, "since"> & { since: string })[];
}

const utc = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;

/** SQL for an `IncidentRow`. */
export const INCIDENT_ROW = `id::text, site_id, kind, severity, ${utc("opened_at")}, ${
  utc("closed_at")
}, cause, locations, evidence`;
