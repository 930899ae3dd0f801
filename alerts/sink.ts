import { setImmediate } from "node:timers/promises";
import type { ClientBase, Pool } from "pg";
import type { AlertRules } from "../config/types.ts";
import { advanceOffset, lockOffset } from "../consume/offsets.ts";
import type { RawRecord, Sink } from "../consume/sink.ts";
import { beginWithin, inTransaction, withClient } from "../db/connect/transaction.ts";
import { siteIdentity } from "../db/store/shared.ts";
import type { Clock } from "../runtime/clock.ts";
import { decode } from "../wire/decode.ts";
import type { ResultMessage } from "../wire/message.ts";
import type { BatchSite } from "./incident.ts";
import { type SiteChange, storeChanges } from "./incidents.ts";
import { toObservation } from "./observation.ts";
import { NEW_SITE, observe, type SiteState } from "./state.ts";

/** What the alerter knows of a site beside its results. */
export interface SitePolicy {
  /** Those that are told. */
  channels: readonly string[];
  /** The longest that a check can take. */
  timeoutMs: number;
}

/** What the sink is handed. */
export interface AlertSinkDeps {
  pool: Pool;
  rules: AlertRules;
  policyOf(message: Pick<ResultMessage, "site" | "url">): SitePolicy;
  clock: Clock;
  lockTimeoutMs?: number;
}

/**
 * Results become what is known of sites, their incidents and the notifications owed for them, in the
 * transaction that moves the offset. What cannot be read is left to the writer, who sets it aside.
 */
export function createAlertSink(deps: AlertSinkDeps): Sink {
  const { pool, lockTimeoutMs } = deps;
  const begin = beginWithin({ lockTimeoutMs });
  return {
    store: async (source, records, place) => {
      const { sites, results } = await read(records, deps);
      return await withClient(pool, async (client) => {
        const ids = await siteIds(client, [...sites.values()]);
        return await inTransaction(client, begin, async () => {
          const stored = await lockOffset(client, source, place);
          if (stored === null || stored < place.position) {
            return { kind: "moved", storedOffset: stored };
          }
          const last = records.at(-1)!;
          const skipped = records.filter(({ offset }) => offset < stored).length;
          if (last.offset < stored) return { kind: "stored", skipped, nextOffset: stored };
          const fresh = results.filter(({ record }) => record.offset >= stored);
          await apply(client, fresh, ids, deps);
          await advanceOffset(client, source, last);
          return { kind: "stored", skipped, nextOffset: last.offset + 1n };
        });
      });
    },
  };
}

interface Result {
  record: RawRecord;
  message: ResultMessage;
  site: BatchSite;
  timeoutMs: number;
}

/** Some 5 ms of work; heartbeats and signals get their turn between the slices. */
const SLICE = 500;

async function read(records: readonly RawRecord[], { policyOf }: AlertSinkDeps) {
  const sites = new Map<string, BatchSite>();
  const results: Result[] = [];
  for (const [n, record] of records.entries()) {
    if (n > 0 && n % SLICE === 0) await setImmediate();
    const decoded = record.badBatch ? null : decode(record.value);
    if (!decoded?.ok) continue;
    const { message } = decoded;
    const { channels, timeoutMs } = policyOf(message);
    const { url, site: name = null } = message;
    const key = JSON.stringify([name, url]);
    const site = sites.get(key) ?? { identity: siteIdentity(name, url), name, url, channels };
    sites.set(key, site);
    results.push({ record, message, site, timeoutMs });
  }
  return { sites, results };
}

/** Makes those that no writer has stored yet; on its own, so that a writer does not wait for a batch. */
async function siteIds(
  client: ClientBase,
  sites: readonly BatchSite[],
): Promise<Map<string, number>> {
  const identities = sites.map(({ identity }) => identity);
  const look = async () => {
    const { rows: [row] } = await client.query("SELECT httpmon_ids('sites', $1) AS ids", [
      identities,
    ]);
    return (row.ids ?? []) as (number | null)[];
  };
  let ids = await look();
  const missing = sites.filter((_, i) => ids[i] === null);
  if (missing.length > 0) {
    const contents = missing.map(({ identity, name, url }) => ({ identity, name, url }));
    await client.query("SELECT httpmon_learn('sites', $1)", [JSON.stringify(contents)]);
    ids = await look();
  }
  return new Map(identities.map((identity, i) => [identity, ids[i]!]));
}

async function apply(
  client: ClientBase,
  results: readonly Result[],
  ids: ReadonlyMap<string, number>,
  { rules, clock }: AlertSinkDeps,
): Promise<void> {
  const known = await lockStates(client, [
    ...new Set(results.map(({ site }) => ids.get(site.identity)!)),
  ]);
  const changed = new Map<number, SiteState>();
  const changes: SiteChange[] = [];
  for (const { record, message, site, timeoutMs } of results) {
    const siteId = ids.get(site.identity)!;
    const before = changed.get(siteId) ?? known.get(siteId)!;
    const observation = toObservation(message, record.timestamp, timeoutMs);
    const { state, changes: ofSite } = observe(before, observation, rules);
    if (state !== before) changed.set(siteId, state);
    for (const change of ofSite) changes.push({ siteId, site, change, at: observation.at });
  }
  await client.query(
    `UPDATE site_states AS s SET level = c.level, state = c.state
     FROM unnest($1::int4[], $2::text[], $3::jsonb[]) AS c(site_id, level, state)
     WHERE s.site_id = c.site_id`,
    [
      [...changed.keys()],
      [...changed.values()].map(({ level }) => level),
      [...changed.values()].map((state) => JSON.stringify(state)),
    ],
  );
  await storeChanges(client, changes, clock.now());
}

/** In one order: agents may put a site's results into several partitions, read side by side. */
async function lockStates(
  client: ClientBase,
  siteIds: readonly number[],
): Promise<Map<number, SiteState>> {
  await client.query(
    `INSERT INTO site_states (site_id)
     SELECT id FROM unnest($1::int4[]) AS id
     WHERE NOT EXISTS (SELECT FROM site_states WHERE site_id = id)
     ORDER BY id ON CONFLICT DO NOTHING`,
    [siteIds],
  );
  const { rows } = await client.query(
    "SELECT site_id, state FROM site_states WHERE site_id = ANY ($1) ORDER BY site_id FOR UPDATE",
    [siteIds],
  );
  return new Map(rows.map(({ site_id, state }) => [site_id, state ?? NEW_SITE]));
}
