import { RefusedError } from "./errors.ts";

/** Errors by which a broker refuses a message for good, by Kafka's names and codes. */
const REFUSALS: Record<string, number> = {
  MESSAGE_TOO_LARGE: 10,
  RECORD_LIST_TOO_LARGE: 18,
  INVALID_RECORD: 87,
};

/** INVALID_TIMESTAMP. Each send stamps anew, so what is not taken today is once the clock is right. */
const INVALID_TIMESTAMP = 32;

interface KafkaFailure {
  type?: unknown;
  code?: unknown;
  cause?: unknown;
  originalError?: unknown;
}

/** Kafka's name of an error that the broker answered ("NOT_LEADER_FOR_PARTITION"), or null. */
export function brokerErrorOf(error: unknown): { type: string; code: number } | null {
  // kafkajs wraps an answer in KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded, ...
  for (let depth = 0; depth < 5 && typeof error === "object" && error !== null; depth++) {
    const { type, code, cause, originalError } = error as KafkaFailure;
    if (typeof type === "string" && typeof code === "number") return { type, code };
    error = cause ?? originalError;
  }
  return null;
}

/** The error as our own code should see it: a RefusedError where trying again cannot help. */
export function asSendError(error: unknown): unknown {
  const answer = brokerErrorOf(error);
  if (answer?.code === INVALID_TIMESTAMP) {
    return new Error(
      "The broker does not take this machine's time; set its clock, or the topic's" +
        ' message.timestamp.type to "LogAppendTime"',
      { cause: error },
    );
  }
  const refusal = answer && Object.entries(REFUSALS).find(([, code]) => code === answer.code);
  return refusal ? new RefusedError(refusal[0], { cause: error }) : error;
}

/** What a person should do about what a broker answers; null where the answer says it all. */
export function brokerAdviceFor(error: unknown): string | null {
  const type = brokerErrorOf(error)?.type ?? "";
  if (/_AUTHORIZATION_FAILED$/.test(type)) return "give the login its rights, see docs/security.md";
  if (type === "SASL_AUTHENTICATION_FAILED") return "check sasl_username and sasl_password";
  return null;
}

/** What a broker answers while it starts or a topic is new; by itself it goes within seconds. */
const PASSING = new Set([
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
  "UNKNOWN_TOPIC_OR_PARTITION",
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
]);

/** Whether a failure is one of a healthy start, and worth a word only if it stays. */
export function isPassing(error: unknown): boolean {
  return PASSING.has(brokerErrorOf(error)?.type ?? "");
}
