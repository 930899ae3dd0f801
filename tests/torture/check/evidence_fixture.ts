/** Evidence made by hand, for the tests of the functions that compare. */
import { Buffer } from "node:buffer";
import { hashOfKey, hashOfValue, type Result, type Results, splitAccount } from "./account.ts";
import { momentOf } from "./agent_evidence.ts";
import type { SentRecord } from "../load/ledger.ts";
import { LOAD_AGENT } from "../load/messages.ts";
import { poisonReason } from "../load/poison.ts";
import type { DailyRow, Letter, ResultRow } from "./tables.ts";
import type { TopicRecord } from "../seen/topic.ts";

export const URL = "https://site-1.example/health";

/** A result as it is sent. */
export type Message =
  & Pick<
    Result,
    "ts" | "url" | "regexResult" | "responseCode" | "responseTime" | "errorMessage"
  >
  & { agentUUID: string; [field: string]: unknown };

/** A result that tells everything. */
export function resultOf(fields: Partial<Message> = {}): Message {
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
    site: "A site",
    frequency: 60,
    slots: 2,
    attempts: 3,
    firstReason: "timeout",
    loopDelay: 6.25,
    phases: { dns: 1.1, connect: 2.2, tls: 3.3, firstByte: 4.4, download: 1.25 },
    bodyBytes: 1234,
    bodyTruncated: false,
    remoteAddress: "2001:db8::1",
    httpVersion: "1.1",
    redirects: [{ url: "http://site-1.example/", status: 301, ms: 7.7 }],
    tls: {
      version: "TLSv1.3",
      cipher: "TLS_AES_256_GCM_SHA384",
      verified: true,
      error: null,
      expiresAt: "2027-01-01 00:00:00.000000",
      fingerprint: "AB".repeat(32).match(/../g)!.join(":"),
    },
    location: "Oslo",
    labels: { role: "canary" },
    siteLabels: { group: "shops" },
    maintenance: true,
    evidence: { statusLine: "HTTP/1.1 500 Oops", headers: { server: "a" }, body: "Sorry" },
    ...fields,
  };
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

export function recordOf(
  { key, value }: Pick<SentRecord, "key" | "value">,
  offset = 0,
): TopicRecord {
  return { partition: 0, offset: String(offset), key, value };
}

export function rowOf(result: Message): ResultRow {
  const { agentUUID, scheduledAt, ...rest } = result as Message & { scheduledAt: string };
  const lateness = Math.round((momentOf(result.ts) - momentOf(scheduledAt)) * 1000) / 1000;
  return { ...rest, agent: agentUUID, lateness };
}

export function dailyOf(result: Message): DailyRow {
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
  return {
    partition,
    offset,
    lastOffset: null,
    keyHash: hashOfKey(key),
    valueHash: hashOfValue(value),
    reason,
  };
}

/** Of records that were all acknowledged and stand in the topic in this order, where nothing else is said. */
export function accountOf(
  sent: SentRecord[],
  acknowledged = sent,
  records = sent.map((one, offset) => recordOf(one, offset)),
): Results {
  return splitAccount({ sent, acknowledged }, records).good;
}
