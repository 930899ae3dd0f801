/** Faults of the agent: scenario 17. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Round } from "../round.ts";
import type { Variant } from "../product/variant.ts";

/** How many results a dead agent has left in its outbox. It is read as a copy: nothing is touched. */
async function leftInOutbox(round: Round): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-torture-outbox-"));
  try {
    await cp(join(round.folder, "state"), folder, { recursive: true });
    const outbox = new DatabaseSync(join(folder, "outbox.db"));
    try {
      return Number(outbox.prepare("SELECT count(*) AS count FROM outbox").get()!.count);
    } finally {
      outbox.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** 17: kill -9 at random with the broker away. */
export const AGENT_KILL: Variant[] = [
  {
    name: "broker away",
    async fault(round) {
      const { kafkaProxy } = round.lane;
      let left = 0;
      for (let times = 0; times < 3; times++) {
        kafkaProxy.set("cut");
        await round.pause(1_000, 5_000);
        await round.agents.at(-1)!.kill();
        const now = await leftInOutbox(round);
        round.mustHave(now > 0, "no result waited in the outbox");
        left += now;
        round.startAgent();
        await round.pause(2_000, 5_000);
        kafkaProxy.set("pass");
        await round.pause(1_000, 3_000);
      }
      round.note(`${left} results in outboxes at the kills`);
    },
  },
  {
    name: "acknowledged but not deleted",
    async fault(round) {
      await round.stop(round.agents.at(-1)!);
      const agent = round.startAgent({ HTTPMON_FAILPOINTS: "agent.after_send=5:60000" });
      await agent.reachesFailpoint();
      await agent.kill();
      round.mustHave(await leftInOutbox(round) > 0, "what was acknowledged is not in the outbox");
      round.startAgent();
      await round.pause(3_000, 6_000);
    },
  },
];
