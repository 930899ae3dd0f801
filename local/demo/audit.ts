import type { Client } from "pg";
import type { TopicRecord } from "./topic_reader.ts";

/** What became of the records of the topic. */
export interface Audit {
  records: number;
  /** Rows of mon_daily that a record accounts for. */
  written: number;
  deadLetters: number;
  /** Records that are in neither. */
  lost: number;
  /** Rows beyond one a result. */
  duplicates: number;
}

/** A result's identity as mon_daily shows it, and how many rows have it. */
export interface StoredResult {
  ts: string;
  agent: string;
  url: string;
  rows: number;
}

/** Partition and offset of a dead letter. */
export interface StoredDeadLetter {
  partition: number;
  offset: bigint;
}

/**
 * Compares the topic with the tables. The same result sent twice is to be there once; two sites of
 * one URL may each have a row of one moment.
 */
export function compare(
  records: readonly TopicRecord[],
  stored: readonly StoredResult[],
  deadLetters: readonly StoredDeadLetter[],
): Audit {
  const dead = new Set(deadLetters.map(placeOf));
  const audit: Audit = {
    records: records.length,
    written: 0,
    deadLetters: 0,
    lost: 0,
    duplicates: 0,
  };
  // Sites by what mon_daily knows of a result.
  const expected = new Map<string, Set<string>>();
  for (const record of records) {
    if (dead.has(placeOf(record))) {
      audit.deadLetters++;
      continue;
    }
    const result = identityOf(record);
    if (result === null) {
      audit.lost++;
      continue;
    }
    const sites = expected.get(result.key) ?? new Set();
    expected.set(result.key, sites.add(result.site));
  }
  const found = new Map(stored.map(({ ts, agent, url, rows }) => [keyOf(ts, agent, url), rows]));
  for (const [key, sites] of expected) {
    const rows = found.get(key) ?? 0;
    audit.written += rows;
    audit.lost += Math.max(0, sites.size - rows);
    audit.duplicates += Math.max(0, rows - sites.size);
  }
  return audit;
}

/** Reads what the tables have of these records, and compares. */
export async function auditTables(
  client: Client,
  topic: string,
  records: readonly TopicRecord[],
): Promise<Audit> {
  const moments = records.map((record) => identityOf(record)?.ts ?? "").filter((ts) => ts !== "");
  const first = moments.reduce((min, ts) => ts < min ? ts : min, moments[0] ?? "infinity");
  const { rows: stored } = await client.query<StoredResult>(
    `SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS.US') AS ts, agent::text, url, count(*)::int AS rows
     FROM mon_daily WHERE ts >= $1::timestamp GROUP BY 1, 2, 3`,
    [first],
  );
  const { rows: dead } = await client.query<{ partition: number; offset: string }>(
    `SELECT partition, "offset" FROM dead_letters WHERE topic = $1`,
    [topic],
  );
  return compare(
    records,
    stored,
    dead.map(({ partition, offset }) => ({ partition, offset: BigInt(offset) })),
  );
}

function placeOf({ partition, offset }: StoredDeadLetter): string {
  return `${partition}/${offset}`;
}

function keyOf(ts: string, agent: string, url: string): string {
  return JSON.stringify([ts, agent, url]);
}

function identityOf({ value }: TopicRecord): { key: string; site: string; ts: string } | null {
  try {
    const { ts, agentUUID, url, site } = JSON.parse(value ?? "null");
    // Six digits, as the table is asked for; the message may have fewer.
    const [seconds, fraction = ""] = String(ts).split(".");
    const moment = `${seconds}.${fraction.padEnd(6, "0")}`;
    return { key: keyOf(moment, agentUUID, url), site: site ?? url, ts: moment };
  } catch {
    return null;
  }
}
