import type { Pool } from "pg";
import { createOffsets } from "../../consume/offsets.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { ResultStore } from "../../db/store/store.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";

const SOURCE = { consumer: "writer", clusterId: "bench", topic: "bench", partition: 0 };
const DOWN: Partial<ResultMessage> = { verdict: "down", reason: "status", responseCode: 503 };

/** What is stored meanwhile. */
export interface Load {
  pool: Pool;
  log: Logger;
  /** Sites are https://1.example/ and so on, in turn. */
  sites: number;
  /** @default one of each site */
  resultsAMinute?: number;
  agentUUID: string;
  signal: AbortSignal;
}

/**
 * Stores results of all sites as a writer does, a batch a second, until `signal` aborts; one of a
 * thousand checks finds its site down.
 *
 * @returns How many were stored, and how long the longest batch took (ms)
 */
export async function storeResults(
  { pool, log, sites, resultsAMinute = sites, agentUUID, signal }: Load,
): Promise<{ stored: number; longestMs: number }> {
  const store = new ResultStore(pool, { log });
  await createOffsets(pool, {}).read(SOURCE, [0]);
  const encoder = new TextEncoder();
  const start = performance.now();
  let [next, position, longestMs] = [0, 0, 0];
  while (!signal.aborted) {
    const due = Math.floor((performance.now() - start) / 60_000 * resultsAMinute);
    const messages = Array.from({ length: due - next }, (_, n) => resultOf(next + n));
    next = due;
    const records = messages.map((message, n) => ({
      offset: BigInt(position + n),
      timestamp: BigInt(Date.now()),
      key: encoder.encode(message.url),
      value: null,
      decode: () => ({ ok: true as const, message }),
    }));
    if (records.length > 0) {
      const place = { position: BigInt(position), first: position === 0 };
      const began = performance.now();
      const outcome = await store.storeBatch(SOURCE, records, place);
      longestMs = Math.max(longestMs, performance.now() - began);
      if (outcome.kind !== "stored") throw new Error(`A batch was not stored: ${outcome.kind}`);
      position += records.length;
    }
    await sleep(systemClock, 1_000, signal);
  }
  return { stored: position, longestMs };

  function resultOf(n: number): ResultMessage {
    const site = n % sites;
    return {
      ts: formatTimestamp(BigInt(Date.now()) * 1_000n + BigInt(n % 1_000)),
      agentUUID,
      url: `https://${1 + site}.example/`,
      regexResult: null,
      responseCode: 200,
      responseTime: 20 + n % 100,
      errorMessage: null,
      verdict: "up",
      frequency: 60,
      location: "eu-west",
      // Twenty sites are public.
      siteLabels: { group: site < 20 ? "shop" : `team ${site % 20}` },
      ...n % 997 === 7 && DOWN,
    };
  }
}
