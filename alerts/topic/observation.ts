import type { ResultMessage } from "../../wire/message.ts";
import { parseTimestamp } from "../../wire/timestamp.ts";
import { verdictOf } from "../../wire/verdict_of.ts";
import type { Seen } from "../message/message.ts";
import type { Observation } from "../state/votes.ts";

/** Of a message that does not say it: the config's default. */
const FREQUENCY_S = 60;

/**
 * What a result says of its site.
 *
 * @param site Its id
 * @param timestamp Of its record; below 0 where the topic has none
 * @param timeoutMs The longest that its check can have taken
 */
export function toObservation(
  message: ResultMessage,
  site: number,
  timestamp: bigint,
  timeoutMs: number,
): Observation {
  const ts = Number(parseTimestamp(message.ts)!);
  const verdict = message.maintenance ? "maintenance" : verdictOf(message);
  const intervalMs = 1_000 * (message.frequency ?? FREQUENCY_S);
  return {
    site,
    agent: message.agentUUID,
    ts,
    at: timestamp < 0n ? Math.floor(ts / 1_000) : Number(timestamp),
    verdict,
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
function causeOf(message: ResultMessage): string {
  const { reason, errorClass, errorMessage, responseCode } = message;
  const status = responseCode === null ? null : `status ${responseCode}`;
  if (errorMessage !== null) return [reason ?? errorClass, errorMessage].filter(Boolean).join(": ");
  if (reason === undefined || reason === "status") return status ?? "";
  const found = FOUND[reason]?.(message);
  return [`rule ${reason}${found ? `: ${found}` : ""}`, status].filter(Boolean).join(", ");
}

/** What was found, of rules that are about a number. */
const FOUND: Record<string, (message: ResultMessage) => string | undefined> = {
  max_response_time_ms: inMs,
  degraded_response_time_ms: inMs,
  min_body_bytes: inBytes,
  max_body_bytes: inBytes,
  certificate_days_left: ({ tls }) =>
    tls?.expiresAt ? `the certificate ends on ${tls.expiresAt.slice(0, 10)}` : undefined,
};

function inMs({ responseTime }: ResultMessage): string {
  return `${Math.round(responseTime)} ms`;
}

function inBytes({ bodyBytes }: ResultMessage): string | undefined {
  return bodyBytes === undefined ? undefined : `${bodyBytes} bytes`;
}
