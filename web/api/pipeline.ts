import { z } from "zod";
import { agentsNow } from "../data/agents.ts";
import { pipelineNow } from "../data/pipeline.ts";
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
export function pipelineEndpoints({ pool, sites }: WebDeps): Endpoint[] {
  return [
    endpoint({
      method: "get",
      path: "/agents",
      summary: "Agents, those that were heard last first",
      answer: z.object({ data: z.array(agent) }),
      handle: async () => ({
        data: (await agentsNow(pool, sites)).map((one) => ({
          ...one,
          labels: { ...one.labels },
          lastResult: isoOrNull(one.lastResult),
        })),
      }),
    }),
    endpoint({
      method: "get",
      path: "/pipeline",
      summary: "How the way from the topic to the tables is",
      answer: pipeline,
      handle: async () => {
        const { partitions, deadLetters, notifications, ...rest } = await pipelineNow(pool);
        return {
          ...rest,
          partitions: partitions.map((one) => ({ ...one, updatedAt: iso(one.updatedAt) })),
          deadLetters: deadLetters.map((one) => ({ ...one, lastAt: iso(one.lastAt) })),
          notifications: notifications.map((one) => ({
            ...one,
            oldestPending: isoOrNull(one.oldestPending),
          })),
        };
      },
    }),
  ];
}
