import type { ResultMessage } from "../wire/message.ts";
import { parseTimestamp } from "../wire/timestamp.ts";
import { verdictOf } from "../wire/verdict_of.ts";
import type { Seen } from "./message/message.ts";
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
    seen: verdict === "up" ? null : seenIn(message),
  };
}

function seenIn(message: ResultMessage): Seen {
  const { reason, errorClass, responseCode, responseTime, phases, remoteAddress } = message;
  const { evidence, tls } = message;
  const why = reason ?? errorClass;
  return {
    ...why !== undefined && { reason: why },
    ...responseCode !== null && { status: responseCode },
    ms: responseTime,
    ...phases && { phases: { ...phases } },
    ...remoteAddress !== undefined && { address: remoteAddress },
    ...evidence?.statusLine && { answer: evidence.statusLine },
    ...errorClass?.startsWith("tls_") && tls?.fingerprint && { certificate: tls.fingerprint },
  };
}

/** "status 503", "rule regex, status 200", "connection_refused: ..." */
function causeOf({ reason, errorClass, errorMessage, responseCode }: ResultMessage): string {
  const status = responseCode === null ? null : `status ${responseCode}`;
  if (errorMessage !== null) return [reason ?? errorClass, errorMessage].filter(Boolean).join(": ");
  const isStatus = reason === undefined || reason === "status";
  return [isStatus ? null : `rule ${reason}`, status].filter(Boolean).join(", ");
}
