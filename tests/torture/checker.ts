import { Buffer } from "node:buffer";
import type pg from "pg";
import { brief, type Findings } from "./invariants.ts";
import { readLedger } from "./ledger.ts";
import { LOAD_AGENT } from "./load.ts";
import type { Observed } from "./observe.ts";
import type { Served } from "./sites.ts";
import type { TopicRecord } from "./topic.ts";

/** What the checker compares. It reads the tables with SQL of its own and uses none of our code. */
export interface Evidence {
  pool: pg.Pool;
  ledgerPath: string;
  topic: string;
  records: readonly TopicRecord[];
  ends: ReadonlyMap<number, bigint>;
  observed: Observed;
  /** Seconds from healing to no lag; null: not within the time. */
  drainedAfter: number | null;
  /** Results of which the operator let go, by their ts. */
  isExpired: (ts: string) => boolean;
  /** The database was put back or the topic made anew: offsets and places say less. */
  placesHold: boolean;
  agent: AgentEvidence | null;
  troubles: readonly string[];
}

/** What is known of a real agent's checks beside its results. */
export interface AgentEvidence {
  served: readonly Served[];
  /** Times, milliseconds since 1970, when it was killed or asked to stop. */
  ends: readonly number[];
  /** By how much its clock is ahead. */
  shiftMs: number;
}

interface Row {
  ts: string;
  agent: string;
  url: string;
  regexresult: boolean | null;
  responsecode: number | null;
  responsetime: number | null;
  errormessage: string | null;
}

interface Result extends Omit<Row, "agent"> {
  agentUUID: string;
  regexResult: boolean | null;
  responseCode: number | null;
  responseTime: number;
  errorMessage: string | null;
}

/** Bytes of one process. Deno with its libraries takes some 120 MB. */
const MEMORY_LIMIT = 400 * 2 ** 20;
const DRAIN_WITHIN_S = 60;
const LATE_P99_MS = 500;
/** A result is on disk within 100 ms; the rest is for the clocks and the machine. */
const ON_DISK_WITHIN_MS = 400;

/** Holds what was sent against what is stored. */
export async function check(evidence: Evidence): Promise<{ findings: Findings; notes: string[] }> {
  const { pool, observed, drainedAfter, records, isExpired } = evidence;
  const ledger = await readLedger(evidence.ledgerPath);
  const rows: Row[] = (await pool.query(
    `SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS.US') AS ts, agent::text, url, regexresult,
       responsecode, responsetime, errormessage FROM mon_daily`,
  )).rows;
  const letters = (await pool.query(
    'SELECT partition, "offset"::text, key, value, reason FROM dead_letters',
  )).rows;
  const offsets = (await pool.query(
    "SELECT partition, next_offset FROM consumer_offsets WHERE topic = $1",
    [evidence.topic],
  )).rows;

  const stored = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.ts}|${row.agent}|${row.url}`;
    stored.set(key, [...(stored.get(key) ?? []), row]);
  }
  const poison = new Set(ledger.sent.filter((sent) => sent.poison).map(contentOf));
  const isGood = (record: { key: string | null; value: string | null }) =>
    !poison.has(contentOf(record));

  const dead = new Set<string>();
  for (const { value } of letters) if (value?.length > 0) dead.add(value.toString("base64"));
  const due = new Map<string, string>();
  for (const record of [...ledger.acknowledged, ...records]) {
    if (record.value !== null && isGood(record)) due.set(record.value, keyOf(parse(record.value)));
  }
  const lost: string[] = [];
  for (const [value, key] of due) {
    if (!stored.has(key) && !dead.has(value) && !isExpired(key.slice(0, 26))) lost.push(key);
  }

  const sent = new Map<string, Result>();
  for (const { value, ...rest } of [...ledger.sent, ...records]) {
    if (value === null || !isGood({ value, ...rest })) continue;
    const result = parse(value);
    sent.set(keyOf(result), result);
  }
  const twice: string[] = [];
  const invented: string[] = [];
  for (const [key, found] of stored) {
    if (found.length > 1) twice.push(`${key} ${found.length} times`);
    const result = sent.get(key);
    if (!result) invented.push(key);
    else if (!isSame(found[0]!, result)) invented.push(`${key} with other content`);
  }

  const findings: Findings = {
    I1: lost.map((key) => `lost ${key}`),
    I2: twice,
    I3: invented,
    I5: evidence.placesHold ? [...observed.ahead] : null,
    I6: evidence.placesHold
      ? compareLetters(letters, records.filter((record) => !isGood(record)))
      : letters.map(({ reason, partition, offset }) => `${reason} at ${partition}/${offset}`),
    I7: drainedAfter === null || drainedAfter > DRAIN_WITHIN_S
      ? [`not drained within ${DRAIN_WITHIN_S} s of healing`]
      : [],
    I8: null,
    I9: observed.peakMemory > MEMORY_LIMIT
      ? [`a process held ${Math.round(observed.peakMemory / 2 ** 20)} MiB`]
      : [],
    I10: null,
    up: [...evidence.troubles],
  };
  if (observed.samples === 0) findings.I5 = ["the offsets could not be looked at"];
  const nextOffsets = new Map(offsets.map((row) => [row.partition, BigInt(row.next_offset)]));
  for (const [partition, end] of evidence.ends) {
    const next = nextOffsets.get(partition) ?? 0n;
    if (next !== end) (findings.I5 ??= []).push(`${partition}: stored ${next}, the end is ${end}`);
  }
  const notes = [
    `${ledger.acknowledged.length} acknowledged`,
    `${rows.length} rows`,
    `${letters.length} dead letters`,
    `drained after ${drainedAfter?.toFixed(1) ?? "?"} s`,
    `peak ${Math.round(observed.peakMemory / 2 ** 20)} MiB`,
    `${observed.samples} samples`,
  ];
  if (evidence.agent) {
    const mine = rows.filter((row) => row.agent !== LOAD_AGENT);
    const { missed, unasked } = compareChecks(mine, evidence.agent);
    findings.I1!.push(...missed);
    findings.I3!.push(...unasked);
    const { rows: [late] } = await pool.query(
      `SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99, max(ms) AS most FROM (
         SELECT (extract(epoch FROM ts - scheduled_at) * 1000)::float8 AS ms FROM check_results
         JOIN agents ON agents.id = agent_id WHERE uuid <> $1) AS checks`,
      [LOAD_AGENT],
    );
    const text = `p99 of lateness ${late.p99?.toFixed(0)} ms, most ${late.most?.toFixed(0)} ms`;
    findings.I10 = mine.length === 0 ? ["no checks"] : late.p99 > LATE_P99_MS ? [text] : [];
    notes.push(`${mine.length} checks`, text);
  }
  for (const [name, found] of Object.entries(findings)) {
    if (found) findings[name as keyof Findings] = brief(found);
  }
  return { findings, notes };
}

function contentOf({ key, value }: { key: string | null; value: string | null }): string {
  return `${key}\n${value}`;
}

function parse(value: string): Result {
  return JSON.parse(Buffer.from(value, "base64").toString());
}

function keyOf({ ts, agentUUID, url }: Result): string {
  return `${ts}|${agentUUID}|${url}`;
}

function isSame(row: Row, sent: Result): boolean {
  return row.regexresult === sent.regexResult && row.responsecode === sent.responseCode &&
    row.errormessage === sent.errorMessage &&
    Math.abs((row.responsetime ?? Infinity) - sent.responseTime) <= 0.5;
}

interface Letter {
  partition: number;
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  reason: string;
}

function compareLetters(letters: Letter[], poison: readonly TopicRecord[]): string[] {
  const placeOf = (partition: number, offset: string, key: string | null, value: string | null) =>
    `${partition}/${offset} ${key} ${value?.slice(0, 200)}`;
  const found = new Map(letters.map(({ partition, offset, key, value, reason }) => [
    placeOf(partition, offset, key?.toString() ?? null, value?.toString("base64") ?? null),
    reason,
  ]));
  const wrong = letters.length === found.size ? [] : ["a dead letter is there twice"];
  for (const { partition, offset, key, value } of poison) {
    const place = placeOf(partition, offset, key, value);
    if (!found.delete(place)) wrong.push(`no dead letter for ${place.slice(0, 80)}`);
  }
  for (const [place, reason] of found) wrong.push(`${reason}: ${place.slice(0, 80)}`);
  return wrong;
}

/** Each answered request is a row, and each row with a response an answered request. */
function compareChecks(rows: readonly Row[], { served, ends, shiftMs }: AgentEvidence) {
  const missed: string[] = [];
  const byUrl = new Map<string, { ts: number; until: number; taken: boolean; ok: boolean }[]>();
  for (const { ts, url, responsetime, responsecode } of rows) {
    const at = Date.parse(`${ts.replace(" ", "T").slice(0, 23)}Z`) - shiftMs;
    const list = byUrl.get(url) ?? [];
    byUrl.set(url, list);
    const until = at + (responsetime ?? 0);
    list.push({ ts: at, until, taken: false, ok: responsecode !== null });
  }
  for (const list of byUrl.values()) list.sort((a, b) => a.ts - b.ts);
  for (const { url, from, to } of served) {
    const row = byUrl.get(url)?.find((row) =>
      !row.taken && row.ts - 25 <= from && from <= row.until + 100
    );
    if (row) row.taken = true;
    else if (!ends.some((end) => to > end - ON_DISK_WITHIN_MS && to < end + 1_000)) {
      missed.push(`no row of the check of ${url} at ${new Date(from).toISOString()}`);
    }
  }
  const unasked = [...byUrl].flatMap(([url, list]) =>
    list.filter(({ taken, ok }) => ok && !taken)
      .map(({ ts }) => `a row of ${url} at ${new Date(ts).toISOString()}, which was not asked`)
  );
  return { missed, unasked };
}
