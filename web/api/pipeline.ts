import { z } from "zod";
import { agentsOf } from "../data/monitor/agents.ts";
import { pipelineOf } from "../data/monitor/pipeline.ts";
import type { WebDeps } from "../env.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";
import { time } from "./schemas.ts";

const agent = z.object({
  id: z.int(),
  uuid: z.guid(),
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
        data: (await agentsOf(pool, sites, clock.now()))
          .map((one) => ({ ...one, lastSeen: one.lastDay })),
      }),
    }),
    endpoint({
      method: "get",
      path: "/pipeline",
      summary: "How the way from the topic to the tables is",
      answer: pipeline,
      handle: async () => {
        const { offsets, letters, marks, channels, retention } = await pipelineOf(
          pool,
          clock.now(),
        );
        return {
          partitions: offsets.map((one) => ({ ...one, updatedAt: one.movedAt })),
          deadLetters: letters.map(({ reason, n, newest }) => {
            return { reason, count: n, lastAt: newest };
          }),
          rollupsPending: marks.reduce((sum, { n }) => sum + n, 0),
          notifications: channels,
          retention,
        };
      },
    }),
  ];
}
