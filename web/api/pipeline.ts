import { z } from "zod";
import { agentsOf } from "../data/monitor/agents.ts";
import { pipelineOf } from "../data/monitor/pipeline.ts";
import type { WebDeps } from "../env.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";
import { iso, isoOrNull, time } from "./schemas.ts";

const agent = z.object({
  id: z.int(),
  uuid: z.uuid(),
  location: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  sites: z.int().describe("That it had a result of in the last 26 hours"),
  lastResult: time.nullable(),
  lastSeen: z.iso.date(),
});

const pipeline = z.object({
  partitions: z.array(z.object({
    consumer: z.string(),
    topic: z.string(),
    partition: z.int(),
    nextOffset: z.string(),
    updatedAt: time,
  })),
  deadLetters: z.array(z.object({ reason: z.string(), count: z.int(), lastAt: time })),
  rollupsPending: z.int(),
  notifications: z.array(z.object({
    channel: z.string(),
    pending: z.int(),
    failed: z.int().describe("In the last seven days"),
    oldestPending: time.nullable(),
  })),
  retention: z.array(z.object({
    what: z.string(),
    keepDays: z.int().nullable(),
    droppedBefore: z.iso.date().nullable(),
  })),
});

/** How the monitor itself is. */
export function pipelineEndpoints({ pool, sites, clock }: WebDeps): Endpoint[] {
  return [
    endpoint({
      method: "get",
      path: "/agents",
      summary: "Agents, those that were heard last first",
      answer: z.object({ data: z.array(agent) }),
      handle: async () => ({
        data: (await agentsOf(pool, sites, clock.now())).map((one) => ({
          id: one.id,
          uuid: one.uuid,
          location: one.location,
          labels: { ...one.labels },
          sites: one.sites,
          lastResult: isoOrNull(one.lastResult),
          lastSeen: one.lastDay,
        })),
      }),
    }),
    endpoint({
      method: "get",
      path: "/pipeline",
      summary: "How the way from the topic to the tables is",
      answer: pipeline,
      handle: async () => {
        const found = await pipelineOf(pool, clock.now());
        return {
          partitions: found.offsets.map(({ consumer, topic, partition, nextOffset, movedAt }) => ({
            consumer,
            topic,
            partition,
            nextOffset,
            updatedAt: iso(movedAt),
          })),
          deadLetters: found.letters.map(({ reason, n, newest }) => ({
            reason,
            count: n,
            lastAt: iso(newest),
          })),
          rollupsPending: found.marks.reduce((sum, { n }) => sum + n, 0),
          notifications: found.channels.map(({ channel, pending, failed, oldestPending }) => ({
            channel,
            pending,
            failed,
            oldestPending: isoOrNull(oldestPending),
          })),
          retention: found.retention,
        };
      },
    }),
  ];
}
