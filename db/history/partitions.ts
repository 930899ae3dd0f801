import type { ClientBase, Pool, PoolClient } from "pg";
import { withClient } from "../connect/transaction.ts";
import { asMaintainer, BUSY, isHeld, LOCK_TIMEOUT_MS } from "./lock.ts";

/** A table of partitions by day, of which whole partitions are dropped. */
export type Partitioned = "check_results" | "evidence";

/** A partition, or one that was. */
export interface Partition {
  /** Quoted as SQL wants it. */
  name: string;
  from: Date;
  to: Date;
  bytes: number;
}

/** Why the oldest partition that is over its days was not dropped. */
export type Held = "readers" | "rollups" | null;

/** The partitions that are wholly before `cutoff` ("2026-05-01", UTC), the oldest first. */
export async function partitionsBefore(
  client: ClientBase | Pool,
  parent: Partitioned,
  cutoff: string,
): Promise<Partition[]> {
  const { rows } = await client.query(
    `SELECT partition::text AS name, lower(bounds) AS from, upper(bounds) AS to,
       pg_total_relation_size(partition)::float8 AS bytes
     FROM httpmon_bounds($1::regclass)
     WHERE NOT detach_pending AND upper(bounds) <= $2::timestamp AT TIME ZONE 'UTC' ORDER BY bounds`,
    [parent, cutoff],
  );
  return rows;
}

/**
 * Drops the partitions that are wholly before `cutoff`, the oldest first, and takes up what an
 * interrupted drop left. Nobody waits for it: a partition is detached concurrently, under short lock
 * timeouts, and what does not succeed is tried in the next round. Results go only once the rollups
 * add up to them.
 *
 * @returns Names of those dropped, and what keeps the next one
 */
export async function dropBefore(
  pool: Pool,
  parent: Partitioned,
  cutoff: string,
  { waitMs, signal }: { waitMs: number; signal?: AbortSignal },
): Promise<{ dropped: string[]; held: Held } | typeof BUSY> {
  const dropped: string[] = [];
  while (!signal?.aborted) {
    const outcome = await asMaintainer(pool, { waitMs }, async (client) => {
      const under = await beingDropped(client, parent);
      if (under !== null) return await finish(pool, client, parent, under);
      return await claim(client, parent, cutoff);
    });
    if (outcome === BUSY) return BUSY;
    if (outcome === "claimed") continue;
    if ("dropped" in outcome) dropped.push(outcome.dropped);
    else return { dropped, held: outcome.held };
  }
  return { dropped, held: null };
}

type Outcome = "claimed" | { dropped: string } | { held: Held };

/** Notes the oldest partition as one to be dropped, if that may be; from then on no results come in. */
async function claim(client: PoolClient, parent: Partitioned, cutoff: string): Promise<Outcome> {
  const [oldest] = await partitionsBefore(client, parent, cutoff);
  if (parent === "check_results" && oldest && !await isRolledUp(client, oldest)) {
    return { held: "rollups" };
  }
  await client.query(
    `UPDATE retention SET dropped_before = greatest(dropped_before, least(
       $3::date, (SELECT min(lower(bounds))::date FROM httpmon_bounds($2::regclass)
         WHERE partition IS DISTINCT FROM to_regclass($4))))
     WHERE what = $1`,
    [whatOf(parent), parent, cutoff, oldest?.name ?? null],
  );
  if (!oldest) return { held: null };
  await client.query(
    "INSERT INTO dropping (partition, parent, bounds) VALUES ($1, $2, tstzrange($3, $4))",
    [oldest.name, parent, oldest.from, oldest.to],
  );
  return "claimed";
}

/** Ends a detaching that was begun by hand and interrupted: until then no other can begin. */
async function endOthersDetach(pool: Pool, parent: Partitioned): Promise<void> {
  const { rows: [begun] } = await pool.query(
    `SELECT begun.partition::text AS name FROM httpmon_bounds($1::regclass) AS begun
     WHERE detach_pending AND begun.partition::text NOT IN (SELECT partition FROM dropping)`,
    [parent],
  );
  if (begun) await detach(pool, parent, begun.name);
}

/** Whether hours stand for all results of a partition. Where they do not, they are computed again. */
async function isRolledUp(client: ClientBase, { name, from, to }: Partition): Promise<boolean> {
  if (await hasPending(client, from, to)) return false;
  const { rows: [counts] } = await client.query(
    `SELECT (SELECT count(*) FROM ${name}) AS results,
       (SELECT coalesce(sum(checks), 0) FROM rollup_hourly WHERE bucket >= $1 AND bucket < $2)
         AS rolled_up`,
    [from, to],
  );
  if (counts.results === counts.rolled_up) return true;
  await client.query("SELECT httpmon_recompute($1, $2)", [from, to]);
  return false;
}

async function hasPending(client: ClientBase, from: Date, to: Date): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM rollup_marks WHERE hour >= $1 AND hour < $2
     UNION ALL SELECT FROM rollup_pending WHERE level = 'hour' AND bucket >= $1 AND bucket < $2
     LIMIT 1`,
    [from, to],
  );
  return rows.length > 0;
}

async function beingDropped(client: ClientBase, parent: Partitioned): Promise<Partition | null> {
  const { rows } = await client.query(
    `SELECT partition AS name, lower(bounds) AS from, upper(bounds) AS to, 0 AS bytes
     FROM dropping WHERE parent = $1`,
    [parent],
  );
  return rows[0] ?? null;
}

/** Goes on with a drop from wherever it stands. */
async function finish(
  pool: Pool,
  client: PoolClient,
  parent: Partitioned,
  partition: Partition,
): Promise<Outcome> {
  const { name, from, to } = partition;
  // The query before, as it had parameters, keeps its snapshot until the next, and what is finalised
  // waits for that.
  await client.query("SELECT");
  try {
    await endOthersDetach(pool, parent);
    await detach(pool, parent, name);
    const { rows: [{ there }] } = await client.query(
      "SELECT to_regclass($1) IS NOT NULL AS there",
      [
        name,
      ],
    );
    // A transaction that began before the day was closed may have stored results of it since.
    const isLate = parent === "check_results" && await hasPending(client, from, to);
    if (there && isLate) {
      await client.query(
        `ALTER TABLE ${parent} ATTACH PARTITION ${name} FOR VALUES FROM ('${from.toISOString()}')
         TO ('${to.toISOString()}')`,
      );
      // What was marked meanwhile could not be read.
      await client.query("SELECT httpmon_recompute($1, $2)", [from, to]);
    } else if (there) await client.query(`DROP TABLE ${name}`);
    await client.query("DELETE FROM dropping WHERE partition = $1", [name]);
    return isLate ? { held: "rollups" } : { dropped: name };
  } catch (error) {
    if (isHeld(error)) return { held: "readers" };
    throw error;
  }
}

/**
 * Detaches a partition, or ends a detaching that was interrupted. On a connection of its own, as it
 * can be in no transaction.
 *
 * @throws `lock_not_available` or `query_canceled` where it has to wait for what began before it
 */
async function detach(pool: Pool, parent: Partitioned, name: string): Promise<void> {
  const { rows: [attached] } = await pool.query(
    "SELECT inhdetachpending AS pending FROM pg_inherits WHERE inhrelid = to_regclass($1)",
    [name],
  );
  if (!attached) return;
  await withClient(pool, async (client) => {
    // Waiting holds up nobody but who would make or detach a partition.
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}; SET statement_timeout = 5000`);
    await client.query(
      `ALTER TABLE ${parent} DETACH PARTITION ${name} ${
        attached.pending ? "FINALIZE" : "CONCURRENTLY"
      }`,
    );
    await client.query("RESET lock_timeout; RESET statement_timeout");
  });
}

/** The key of a table's days in the config and in the table "retention". */
function whatOf(parent: Partitioned): "raw" | "evidence" {
  return parent === "check_results" ? "raw" : "evidence";
}
