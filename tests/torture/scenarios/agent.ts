/** Faults of the agent: scenario 17. */
import type { Variant } from "../variant.ts";

/** 17: kill -9 at random with the broker away. */
export const AGENT_KILL: Variant[] = [
  {
    name: "broker away",
    agent: true,
    async fault(round) {
      const { kafkaProxy } = round.lane;
      for (let times = 0; times < 3; times++) {
        kafkaProxy.set("cut");
        await round.pause(1_000, 5_000);
        await round.killAgent(round.agents.at(-1)!);
        round.startAgent();
        await round.pause(2_000, 5_000);
        kafkaProxy.set("pass");
        await round.pause(1_000, 3_000);
      }
    },
  },
  {
    name: "acknowledged but not deleted",
    agent: true,
    async fault(round) {
      await round.stopAgent(round.agents.at(-1)!);
      const agent = round.startAgent({ HTTPMON_FAILPOINTS: "agent.after_send=5:60000" });
      await agent.reachesFailpoint(30_000);
      await round.killAgent(agent);
      round.startAgent();
      await round.pause(3_000, 6_000);
    },
  },
];
