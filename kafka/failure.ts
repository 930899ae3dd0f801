import { RefusedError, SilentError } from "./errors.ts";

/** Errors by which a broker refuses a message for good, by Kafka's names and codes. */
const REFUSALS: Record<string, number> = {
  MESSAGE_TOO_LARGE: 10,
  RECORD_LIST_TOO_LARGE: 18,
  INVALID_RECORD: 87,
};

/** INVALID_TIMESTAMP. Each send stamps anew, so what is not taken today is once the clock is right. */
const INVALID_TIMESTAMP = 32;

interface KafkaFailure extends Error {
  type?: unknown;
  code?: unknown;
  cause?: unknown;
  originalError?: unknown;
}

/** Kafka's name of an error that the broker answered ("NOT_LEADER_FOR_PARTITION"), or null. */
export function brokerErrorOf(error: unknown): { type: string; code: number } | null {
  for (const { type, code } of chainOf(error)) {
    if (typeof type === "string" && typeof code === "number") return { type, code };
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

/** Whether it is the broker's, or that of the way to it. */
export function isOfBroker(error: unknown): boolean {
  return chainOf(error).some((one) => one.name.startsWith("KafkaJS") || isSilence(one));
}

/** What a person should do, by what the broker answered, or by an error's code and text. */
const ADVICE: readonly (readonly [what: RegExp, advice: string])[] = [
  [/^\w+_AUTHORIZATION_FAILED /, "give the login its rights, see docs/security.md"],
  [
    /^(SASL_AUTHENTICATION_FAILED|KafkaJSSASLAuthenticationError) /,
    'check "sasl_username" and "sasl_password"',
  ],
  [/^UNSUPPORTED_SASL_MECHANISM /, 'the broker does not know this "sasl_mechanism"'],
  [/^ILLEGAL_SASL_STATE /, "this port asks for no login: name another one, or no sasl_*"],
  [/^ECONNREFUSED /, "nobody listens there: start the broker, or correct %"],
  [/^(ENOTFOUND|EAI_AGAIN) /, "the name is not found: see the resolver, or correct %"],
  [/^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN) /, "no way leads there: see the network, or correct %"],
  [/^ERR_TLS_CERT_ALTNAME_INVALID /, "the broker's certificate is of another name: correct %"],
  [/^CERT_HAS_EXPIRED /, "the broker needs a new certificate"],
  [
    /^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)_/,
    'name who signed the broker\'s certificate: "ssl_cafile"',
  ],
  [
    /_ALERT_/,
    'the broker wants a certificate of ours that it trusts: "ssl_certfile" and "ssl_keyfile"',
  ],
  [
    /^ERR_SSL_WRONG_VERSION_NUMBER |before secure TLS connection/,
    "no TLS is spoken at this port: name another one, or no ssl_*",
  ],
  [
    /^(ECONNRESET|EPIPE|ERR_STREAM_(WRITE_AFTER_END|DESTROYED)) | (Closed connection|Not connected)$/,
    "the broker hangs up: see its log, and whether this port wants TLS (ssl_*) or a login (sasl_*)",
  ],
];
const ADDRESSES = '"bootstrap_servers", or what the broker says in advertised.listeners';
const SILENT = "the broker does not answer: see whether it is up, overloaded or behind a firewall";

/** What a person should do about a failure of the broker's; null where the failure says it all. */
export function brokerAdviceFor(error: unknown): string | null {
  const chain = chainOf(error);
  if (chain.some(isSilence)) return SILENT;
  const answer = brokerErrorOf(error)?.type;
  for (const { code, name, message } of chain) {
    const [, advice] = ADVICE.find(([what]) => what.test(`${answer ?? code ?? name} ${message}`)) ??
      [];
    if (advice !== undefined) return advice.replace("%", ADDRESSES);
  }
  return null;
}

/** The error and what caused it: kafkajs wraps them (KafkaJSNumberOfRetriesExceeded, ...). */
function chainOf(error: unknown): KafkaFailure[] {
  const chain: KafkaFailure[] = [];
  while (error instanceof Error && chain.length < 5) {
    chain.push(error);
    const { cause, originalError } = error as KafkaFailure;
    error = cause ?? originalError;
  }
  return chain;
}

/** Ours, or kafkajs's words for it; the last ones are of a connection that it gave up before. */
function isSilence(error: Error): boolean {
  return error instanceof SilentError ||
    /^Connection timeout$|^Request .* timed out|^Broker not connected$/.test(error.message);
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

/** kafkajs's own words for such; and that no connection is left, after which it makes one, or says why not. */
const PASSING_NAMES = new Set([
  "KafkaJSGroupCoordinatorNotFound",
  "KafkaJSNoBrokerAvailableError",
]);

/** Whether a failure is one of a healthy start, and worth a word only if it stays. */
export function isPassing(error: unknown): boolean {
  return PASSING.has(brokerErrorOf(error)?.type ?? "") ||
    chainOf(error).some(({ name }) => PASSING_NAMES.has(name));
}
