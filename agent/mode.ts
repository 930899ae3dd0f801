import { createKafka } from "../kafka/client.ts";
import { createSender } from "../kafka/sender.ts";
import { EXIT, type ExitCode } from "../runtime/exit_codes.ts";
import { failpointsFrom } from "../runtime/failpoints.ts";
import type { ModeContext } from "../runtime/mode_context.ts";
import { createPlatformFetchClient } from "./http/platform_fetch.ts";
import { runAgent } from "./run.ts";

/** Mode "agent": checks the sites and publishes the results until it is asked to stop. */
export async function agentMode({ config, clock, log, signal }: ModeContext): Promise<ExitCode> {
  if (config.kafka.acks === 0) {
    log.error(
      { acks: 0 },
      "Nothing is acknowledged with acks 0: a result that the broker loses is lost",
    );
  }
  const sender = createSender(createKafka(config.kafka, "httpmon-agent", log), config.kafka, log);
  try {
    await runAgent(config, {
      client: createPlatformFetchClient({ clock }),
      send: sender.send,
      clock,
      log,
      signal,
      passFailpoint: failpointsFrom(),
    });
    return EXIT.done;
  } finally {
    await sender.close();
  }
}
