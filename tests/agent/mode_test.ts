import { assert, assertEquals } from "@std/assert";
import { agentMode } from "../../agent/mode.ts";
import { waitFor } from "../../local/wait.ts";
import { systemClock } from "../../runtime/clock.ts";
import { isOfBusyMachine } from "../support/program/busy_machine.ts";
import { startHostileServer } from "../support/hostile_server.ts";
import { modeHere } from "../support/program/mode_here.ts";
import { recordingLog } from "../support/recording_log.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";
import { withFolder } from "./support.ts";

/**
 * Runs an agent on a topic of its own while `meanwhile` does.
 *
 * @returns What it logged as an ERROR or above, but for what a busy machine does to it
 */
async function running(
  kafka: Record<string, unknown>,
  now: () => number,
  meanwhile: (says: (words: RegExp) => Promise<void>) => Promise<void>,
) {
  const server = await startHostileServer();
  const { brokers: bootstrap_servers } = await kafkaForTests();
  const topic = await freshTopic();
  const log = recordingLog();
  const stop = new AbortController();
  await withFolder(async (state_dir) => {
    const content = {
      kafka: { monitoring: { bootstrap_servers, topic, batch_timeout_ms: 100, ...kafka } },
      agent: { state_dir },
      websites: { [server.url("/fine")]: { frequency: 1 } },
    };
    const clock = { ...systemClock, now };
    const ended = modeHere(agentMode, ["agent"], content, { clock, log, signal: stop.signal });
    const says = (words: RegExp) =>
      waitFor(`a line like ${words}`, () => {
        return log.lines.some((line) => words.test(JSON.stringify(line)));
      }, 60_000);
    await meanwhile(says);
    stop.abort();
    assertEquals((await ended).code, 0);
  });
  await server.close();
  return log.lines.filter(({ level, message, fields }) =>
    level === "error" && !isOfBusyMachine(message, fields.error)
  );
}

Deno.test("an agent says that its clock is not as the broker's, and when it is again", async () => {
  let aheadMs = 120_000;
  const errors = await running({}, () => Date.now() + aheadMs, async (says) => {
    await says(/The clock is wrong, or the broker's is/);
    aheadMs = 0;
    await says(/The clock is as the broker's again/);
  });
  const [first] = errors;
  assertEquals(first!.message, "The clock is wrong, or the broker's is: results have its time");
  assert(
    /^1\d\d s ahead of the broker's clock/.test(
      JSON.stringify(first).split('"').find((one) => one.includes("s ahead of"))!,
    ),
    JSON.stringify(first),
  );
});

Deno.test("an agent whose broker acknowledges nothing says what that may cost", async () => {
  const errors = await running({ acks: 0 }, () => Date.now(), (says) => says(/The agent runs/));
  assertEquals(errors.map(({ message }) => message), [
    "Nothing is acknowledged with acks 0: a result that the broker loses is lost",
  ]);
});
