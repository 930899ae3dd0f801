import { z } from "zod";
import { agent, agentsOf } from "../data/monitor/agents.ts";
import { pipeline, pipelineOf } from "../data/monitor/pipeline.ts";
import type { WebDeps } from "../env.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";

/** How the monitor itself is. */
export function monitorEndpoints({ pool, sites, clock }: WebDeps): Endpoint[] {
  return [
    endpoint({
      method: "get",
      path: "/agents",
      summary: "Agents, those that were heard last first",
      answer: z.object({ data: z.array(agent) }),
      handle: async () => ({ data: await agentsOf(pool, sites) }),
    }),
    endpoint({
      method: "get",
      path: "/pipeline",
      summary: "How the way from the topic to the tables is",
      answer: pipeline,
      handle: async () => {
        const parts = await pipelineOf(pool, clock.now());
        return {
          ...parts,
          rollupsPending: parts.rollups.reduce((sum, { count }) => sum + count, 0),
        };
      },
    }),
  ];
}
