/** Evidence made by hand, for the tests of the functions that compare. */
import { Buffer } from "node:buffer";
import { type Account, hashOfKey, hashOfValue, type Result } from "./account.ts";
import type { SentRecord } from "../ledger.ts";
import { LOAD_AGENT } from "../load.ts";
import { poisonReason } from "../poison.ts";
import type { DailyRow, Letter, ResultRow } from "./tables.ts";
import type { TopicRecord } from "../topic.ts";

export const URL = "https://site-1.example/health";

/** A result that tells everything. */
export function resultOf(fields: Partial<Result> = {}): Result {
  return {
    ts: "2026-05-01 10:00:00.123456",
    agentUUID: LOAD_AGENT,
    url: URL,
    regexResult: true,
    responseCode: 500,
    responseTime: 12.25,
    errorMessage: null,
    verdict: "down",
    reason: "status",
    errorClass: "bad_status",
    scheduledAt: "2026-05-01 10:00:00.120000",
    ...fields,
  };
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

export function sentOf(result: Result): SentRecord {
  const value = base64(JSON.stringify(result));
  return { key: result.url, value, poison: false, again: false };
}

export function recordOf(
  { key, value }: Pick<SentRecord, "key" | "value">,
  offset = 0,
): TopicRecord {
  return { partition: 0, offset: String(offset), key, value };
}

export function rowOf(result: Result): ResultRow {
  const { agentUUID, verdict, reason, errorClass, scheduledAt, ...rest } = result;
  return {
    ...rest,
    agent: agentUUID,
    verdict: ["up", "degraded", "down", "unknown"].indexOf(verdict!),
    reason: reason ?? null,
    errorClass: errorClass ?? null,
    scheduledAt: scheduledAt ?? null,
  };
}

export function dailyOf(result: Result): DailyRow {
  return {
    ts: result.ts,
    agent: result.agentUUID,
    url: result.url,
    regexresult: result.regexResult,
    responsecode: result.responseCode,
    responsetime: Math.round(result.responseTime),
    errormessage: result.errorMessage,
  };
}

export function letterOf(record: TopicRecord, reason = poisonReason(record.value)): Letter {
  const { partition, offset, key, value } = record;
  return { partition, offset, keyHash: hashOfKey(key), valueHash: hashOfValue(value), reason };
}

/** Of records that were all acknowledged and stand in the topic in this order. */
export function accountOf(sent: readonly SentRecord[]): Account {
  return { sent, acknowledged: sent, records: sent.map((one, offset) => recordOf(one, offset)) };
}
