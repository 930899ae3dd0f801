import type { Pool } from "pg";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log/log.ts";

const EVERY_MS = 60_000;
const TIMEOUT_MS = 10_000;

/** What the heartbeat is handed. */
export interface HeartbeatDeps {
  url: string;
  pool: Pool;
  fetch: typeof globalThis.fetch;
  /** Why this alerter does not do its work; nothing where it does. */
  unready(): readonly string[];
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/**
 * Asks a URL every minute while everything flows, until `signal` aborts: whoever serves it notices when
 * nobody asks any more. That the heart stands still, and why, is an ERROR in the log, once.
 */
export async function keepBeating(deps: HeartbeatDeps): Promise<void> {
  const { clock, log, signal } = deps;
  let told = "";
  while (!signal.aborted) {
    const reasons = await troubles(deps);
    const said = reasons.join("; ");
    if (said !== told && said !== "") log.error({ reasons }, "The heartbeat stands still");
    if (said === "" && told !== "") log.notice({}, "The heartbeat goes on");
    told = said;
    await sleep(clock, EVERY_MS, signal);
  }
}

/** Asks where there are none. @returns Why not, or why that failed */
async function troubles({ url, pool, fetch, unready }: HeartbeatDeps): Promise<string[]> {
  try {
    const { rows } = await pool.query<{ reason: string }>(TROUBLES);
    const reasons = [...unready(), ...rows.map(({ reason }) => reason)];
    if (reasons.length > 0) return reasons;
  } catch {
    return ["The database cannot be asked"];
  }
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok ? [] : [`The heartbeat's URL answers with status ${response.status}`];
  } catch {
    // What a runtime says of it may have the URL in it.
    return ["The heartbeat's URL cannot be reached"];
  }
}

/** What is decided is of now, somebody is heard, and what is said is heard. */
const TROUBLES = `
  SELECT 'Results of the last 3 minutes are not decided on' AS reason FROM alert_rounds
  WHERE to_timestamp(now / 1000.0) < now() - interval '3 min'
  UNION ALL SELECT 'No agent is heard'
  WHERE NOT EXISTS (SELECT FROM agent_states WHERE state ->> 'silentSince' IS NULL)
  UNION ALL SELECT format('Channel "%s" takes nothing', name) FROM channels
  WHERE failing_since < now() - interval '5 min'`;
