import { setImmediate } from "node:timers/promises";
import type { ClientBase, Pool } from "pg";
import { advanceOffset, lockOffset } from "../../consume/offsets.ts";
import type { RawRecord, Sink } from "../../consume/sink.ts";
import { beginWithin, inTransaction, withClient } from "../../db/connect/transaction.ts";
import { siteIdentity } from "../../db/store/shared.ts";
import { decode } from "../../wire/decode.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { lockClock, moveClock, type PartitionClock } from "./clocks.ts";
import { addEvents } from "./events.ts";
import type { AlertPolicy, PolicyOf } from "../policies.ts";
import { toObservation } from "./observation.ts";
import { signOf } from "../state/signs.ts";
import type { AlertEvent } from "../state/view.ts";
import { hear, type SiteVotes } from "../state/votes.ts";
import { addVotes, lockVotes, saveVotes } from "./votes_table.ts";

/** What the sink is handed. */
export interface AlertSinkDeps {
  pool: Pool;
  policyOf: PolicyOf;
  lockTimeoutMs?: number;
}

/**
 * Results become votes, and what these make known is handed on, in the transaction that moves the
 * offset. What cannot be read is left to the writer, who sets it aside.
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
          const clock = await lockClock(client, source);
          await count(client, results.filter(({ record }) => record.offset >= stored), ids, clock);
          await moveClock(client, source, clock);
          await advanceOffset(client, source, last);
          return { kind: "stored", skipped, nextOffset: last.offset + 1n };
        });
      });
    },
  };
}

/** A site of a batch. */
interface BatchSite {
  identity: string;
  name: string | null;
  url: string;
  policy: AlertPolicy;
}

interface Result {
  record: RawRecord;
  message: ResultMessage;
  site: BatchSite;
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
    const { url, site: name = null } = message;
    const key = JSON.stringify([name, url]);
    const site = sites.get(key) ??
      { identity: siteIdentity(name, url), name, url, policy: policyOf({ name, url }) };
    sites.set(key, site);
    results.push({ record, message, site });
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

/** @param clock Of the partition, moved along */
async function count(
  client: ClientBase,
  results: readonly Result[],
  ids: ReadonlyMap<string, number>,
  clock: PartitionClock,
): Promise<void> {
  const siteIds = [...new Set(results.map(({ site }) => ids.get(site.identity)!))];
  await addVotes(client, siteIds);
  const known = await lockVotes(client, siteIds);
  const changed = new Map<number, SiteVotes>();
  const events: AlertEvent[] = [];
  for (const { record, message, site: { identity, policy } } of results) {
    const site = ids.get(identity)!;
    const observation = toObservation(message, site, record.timestamp, policy.timeoutMs);
    // A broker's clock may be set back, and time has come that far already.
    observation.at = clock.at = Math.max(clock.at, observation.at);
    const sign = signOf(observation, clock.agents);
    if (sign !== null) events.push(sign);
    const before = changed.get(site) ?? known.get(site)!;
    const { votes, events: ofSite } = hear(before, observation, policy);
    if (votes !== before) changed.set(site, votes);
    events.push(...ofSite);
  }
  await saveVotes(client, changed);
  await addEvents(client, events);
}
