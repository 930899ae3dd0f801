import type { ResultMessage } from "../wire/message.ts";
import { parseTimestamp } from "../wire/timestamp.ts";
import { verdictOf } from "../wire/verdict_of.ts";
import type { Observation } from "./state/votes.ts";

/** Of a message that does not say it: the config's default. */
const FREQUENCY_S = 60;

/**
 * What a result says of its site.
 *
 * @param timestamp Of its record; below 0 where the topic has none
 * @param timeoutMs The longest that its check can have taken
 */
export function toObservation(
  message: ResultMessage,
  timestamp: bigint,
  timeoutMs: number,
): Observation {
  const ts = Number(parseTimestamp(message.ts)!);
  const verdict = verdictOf(message);
  const intervalMs = 1_000 * (message.frequency ?? FREQUENCY_S);
  return {
    agent: message.agentUUID,
    ts,
    at: timestamp < 0n ? Math.floor(ts / 1_000) : Number(timestamp),
    verdict,
    maintenance: message.maintenance ?? false,
    slots: message.slots ?? 1,
    intervalMs,
    freshMs: 2 * intervalMs + timeoutMs,
    location: message.location ?? null,
    cause: verdict === "up" ? "" : causeOf(message),
  };
}

function causeOf({ reason, errorClass, errorMessage, responseCode }: ResultMessage): string {
  const status = responseCode === null ? null : `status ${responseCode}`;
  return [reason ?? errorClass, status, errorMessage].filter(Boolean).join(": ");
}
