import { runEndToEnd } from "../support/program/end_to_end.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";

Deno.test("the tasks init-schema, agent and writer, one after the other, from config to mon_daily", async () => {
  await runEndToEnd({
    "init-schema": taskCommand("init-schema"),
    agent: taskCommand("agent"),
    writer: taskCommand("writer"),
    env: denoEnv(),
  });
});
