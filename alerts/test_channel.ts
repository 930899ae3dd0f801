import { kindOf } from "./channels/index.ts";
import { SendError } from "./channels/kind.ts";
import type { Message } from "./message/message.ts";
import { quote } from "../config/say/show.ts";
import { EXIT, type ExitCode, UsageError } from "../runtime/cli/exit_codes.ts";
import { withOutput } from "../runtime/cli/output.ts";
import type { SenderDeps } from "./outbox/sender.ts";

const TIMEOUT_MS = 15_000;

/**
 * Sends a sample to a channel, and prints what it answered.
 *
 * @throws {UsageError} For a channel that the config does not have
 */
export async function testChannel(
  name: string,
  { channels, link, fetch, clock, signal }: Pick<
    SenderDeps,
    "channels" | "link" | "fetch" | "clock" | "signal"
  >,
): Promise<ExitCode> {
  const channel = Object.hasOwn(channels, name) ? channels[name]! : null;
  if (channel === null) {
    const known = Object.keys(channels).map(quote).join(", ") || "none";
    throw new UsageError(`Option "--test" needs a channel of "alerts" (${known}), found "${name}"`);
  }
  const nowMs = clock.now();
  const deps = { fetch, nowMs, timeoutMs: TIMEOUT_MS };
  const [said, code] = await kindOf(channel).send(sample(nowMs, link), channel, deps).then(
    (answer) => [`taken, ${answer}`, EXIT.done] as const,
    (error) => {
      if (!(error instanceof SendError)) throw error;
      return [`not taken: ${error.message}`, EXIT.failed] as const;
    },
  );
  return await withOutput(signal, async (print) => {
    await print(`${name} (${channel.type}): ${said}\n`);
    return code;
  });
}

/** What would be sent of a site that goes down, all of it made up. @param now Wall clock */
export function sample(now: number, link: string | null): Message {
  const at = (secondsAgo: number) => new Date(now - secondsAgo * 1_000).toISOString();
  const key = crypto.randomUUID();
  const seen = {
    reason: "status",
    status: 503,
    ms: 2_412,
    phases: { dns: 12, connect: 24, tls: 41, firstByte: 2_320, download: 15 },
    address: "192.0.2.10",
    answer: "HTTP/1.1 503 Service Unavailable",
  };
  const cause = "status 503";
  const saw = (location: string, agent: string, secondsAgo: number) => ({
    ...{ agent, location, since: at(secondsAgo), cause, seen },
  });
  return {
    key,
    thread: key,
    event: "test",
    includesOpening: false,
    left: 1,
    incidents: [{
      id: "0",
      site: "sample",
      url: "https://sample.example/checkout",
      kind: "down",
      severity: "critical",
      openedAt: at(30),
      acknowledgedAt: null,
      acknowledgedBy: null,
      closedAt: null,
      cause,
      locations: ["eu-west", "us-east"],
      evidence: [
        saw("eu-west", "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e4f", 150),
        saw("us-east", "0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90", 95),
      ],
      labels: { group: "sample" },
      flapping: false,
      before: { wellSince: at(320_000), incidents: 2, seconds: 840 },
      link: link && `${link}/incidents`,
    }],
  };
}
