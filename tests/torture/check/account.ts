import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { momentOf } from "./agent_evidence.ts";
import type { LedgerContent } from "../load/ledger.ts";
import type { TopicRecord } from "../seen/topic.ts";

/** A record without its place. */
export interface Sent {
  key: string | null;
  /** Base64; null: a tombstone. */
  value: string | null;
}

/** What was sent, what of it was acknowledged, and what is in the topic at the end. */
export interface Account {
  sent: readonly Sent[];
  acknowledged: readonly Sent[];
  records: readonly TopicRecord[];
}

/** The same of results, each read once, however often it was sent. */
export interface Results extends Account {
  /** By their values. */
  told: ReadonlyMap<string | null, Result>;
}

/** Tells the records that can never be rows from the others, an agent's among them. */
export function splitAccount(
  ledger: LedgerContent,
  records: readonly TopicRecord[],
): { good: Results; poison: Account } {
  const nameOf = ({ key, value }: Sent) => `${key}\n${value}`;
  const names = new Set(ledger.sent.filter(({ poison }) => poison).map(nameOf));
  const part = (isPoison: boolean): Account => ({
    sent: ledger.sent.filter(({ poison }) => poison === isPoison),
    acknowledged: ledger.acknowledged.filter(({ poison }) => poison === isPoison),
    records: records.filter((record) => names.has(nameOf(record)) === isPoison),
  });
  const good = part(false);
  const told = new Map<string | null, Result>();
  for (const { value } of [...good.sent, ...good.records]) {
    if (!told.has(value)) told.set(value, parseResult(value!));
  }
  return { good: { ...good, told }, poison: part(true) };
}

/** A result as it was sent, under the names of its row where they differ. */
export interface Result {
  identity: string;
  agent: string;
  lateness: number | undefined;
  ts: string;
  url: string;
  regexResult: boolean | null;
  responseCode: number | null;
  responseTime: number;
  errorMessage: string | null;
  /** All others: see content.ts. */
  [field: string]: unknown;
}

export function parseResult(value: string): Result {
  const message = JSON.parse(Buffer.from(value, "base64").toString());
  const { ts, agentUUID: agent, url, scheduledAt } = message;
  // Times here have no finer fractions.
  const lateness = scheduledAt && Math.round((momentOf(ts) - momentOf(scheduledAt)) * 1000) / 1000;
  return { ...message, agent, lateness, identity: identityOf({ ts, agent, url }) };
}

/** By what results are told apart. */
export function identityOf(
  { ts, agent, url }: { ts: string; agent: string; url: string },
): string {
  return `${ts}|${agent}|${url}`;
}

/** SHA-256 of what a base64 text stands for, in hexadecimal; null of null. */
export function hashOfValue(value: string | null): string | null {
  return value === null
    ? null
    : createHash("sha256").update(Buffer.from(value, "base64")).digest("hex");
}

/** The same of a key. */
export function hashOfKey(key: string | null): string | null {
  return key === null ? null : createHash("sha256").update(key).digest("hex");
}
