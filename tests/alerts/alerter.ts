/** An alerter's parts on a database of the test, moved on by hand, without Kafka. */
import type { Pool } from "pg";
import type { AlertPolicy } from "../../alerts/policies.ts";
import { Rounds } from "../../alerts/rounds.ts";
import { createAlertSink } from "../../alerts/topic/sink.ts";
import type { RawRecord, Source } from "../../consume/sink.ts";
import type { AlertRules } from "../../config/types.ts";
import { encode } from "../../wire/encode.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { result } from "../db/fixture.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { RULES } from "./play.ts";

export const SOURCE: Source = {
  consumer: "alerts",
  clusterId: "cluster",
  topic: "monitoring",
  partition: 0,
};
export const CHANNELS = ["one", "two"];
export const FIRST = { position: 0n, first: true };

/** A minute each from `startMs` on, as letters say; the broker has it 20 ms later. */
export function records(
  letters: string,
  {
    first = 0,
    startMs = Date.now() - letters.length * 60_000,
    url = "https://one.example/",
    agent = result(0).agentUUID,
  } = {},
): RawRecord[] {
  return [...letters].flatMap((letter, n) => {
    if (letter === " ") return [];
    const ms = startMs + n * 60_000;
    const message = result(n, {
      ts: formatTimestamp(BigInt(ms) * 1_000n),
      url,
      agentUUID: agent,
      verdict: letter === "u" ? "up" : "down",
      location: "eu-west",
      ...letter === "d" && { responseCode: 503, reason: "status" },
    });
    const value = new TextEncoder().encode(encode(message));
    return [{ timestamp: BigInt(ms + 20), key: null, value }];
  }).map((record, n) => ({ ...record, offset: BigInt(first + n) }));
}

/** @param partitions Of the topic, all of them read to their ends */
export function testAlerter(
  pool: Pool,
  { rules = RULES, policy = {}, partitions = 1 }: {
    rules?: AlertRules;
    policy?: Partial<AlertPolicy> | ((site: { url: string }) => Partial<AlertPolicy>);
    partitions?: number;
  } = {},
) {
  const clock = new FakeClock({ wall: Date.now() });
  const log = recordingLog();
  const policyOf = (site: { url: string }): AlertPolicy => ({
    ...rules,
    timeoutMs: 30_000,
    isGateway: false,
    isExpected: true,
    channels: null,
    labels: { group: "shop" },
    host: "one.example",
    dependsOn: [],
    dependants: [],
    slo: null,
    ...typeof policy === "function" ? policy(site) : policy,
  });
  const sink = createAlertSink({ pool, policyOf });
  let inReach = true;
  const behind = new Set<number>();
  const rounds = new Rounds({
    pool,
    consumer: SOURCE.consumer,
    topic: SOURCE.topic,
    viewTopic: async () => {
      if (!inReach) throw new Error("Kafka is away");
      const { rows } = await pool.query("SELECT partition, next_offset FROM consumer_offsets");
      const ends = new Map(rows.map(({ partition, next_offset }) => [partition, next_offset]));
      return {
        clusterId: SOURCE.clusterId,
        bounds: new Map(
          Array.from({ length: partitions }, (_, partition) => [
            partition,
            { low: 0n, high: BigInt(ends.get(partition) ?? 0) + (behind.has(partition) ? 1n : 0n) },
          ]),
        ),
      };
    },
    policyOf,
    route: () => CHANNELS,
    clock,
    log,
    signal: new AbortController().signal,
  });
  return {
    clock,
    store: sink.store,
    /** Of these, more is to be read. */
    behind,
    setReach: (is: boolean) => inReach = is,
    rounds,
    /** Decides on all that is stored, and on what `ms` of silence behind it bring. */
    decide: async (ms = 2_000) => {
      // The first rounds learn how late it is.
      for (const wait of [0, 0, ms, 1]) {
        clock.stall(wait);
        while (await rounds.next());
      }
    },
  };
}
