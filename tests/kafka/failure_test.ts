import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSNoBrokerAvailableError,
} from "kafkajs/src/errors.js";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { RefusedError, SilentError } from "../../kafka/errors.ts";
import { asSendError, brokerAdviceFor, isOfBroker, isPassing } from "../../kafka/failure.ts";

for (const [reason, code] of [["MESSAGE_TOO_LARGE", 10], ["INVALID_RECORD", 87]] as const) {
  Deno.test(`asSendError() knows that ${reason} is for good`, () => {
    const error = asSendError(new Error("wrapped", { cause: createErrorFromCode(code) }));
    assert(error instanceof RefusedError);
    assertEquals(error.reason, reason);
  });
}

Deno.test("asSendError() has a send tried again whose time the broker does not take", () => {
  const answer = createErrorFromCode(32);
  assertEquals(answer.type, "INVALID_TIMESTAMP");
  const error = asSendError(answer);
  assert(error instanceof Error && !(error instanceof RefusedError));
  assert(error.message.includes("clock"), error.message);
  assertEquals(error.cause, answer);
});

Deno.test("asSendError() leaves other failures as they are", () => {
  const error = createErrorFromCode(6);
  assertEquals(asSendError(error), error);
});

for (
  const [code, advice] of [
    [29, "give the login its rights, see docs/security.md"],
    [30, "give the login its rights, see docs/security.md"],
    [58, 'check "sasl_username" and "sasl_password"'],
    [10, null],
  ] as const
) {
  const answer = createErrorFromCode(code);
  Deno.test(`brokerAdviceFor() says what to do about ${answer.type}`, () => {
    assertEquals(brokerAdviceFor(new Error("wrapped", { cause: answer })), advice);
  });
}

const ADVISED: [name: string, error: Error, advice: RegExp][] = [
  ["a closed port", connection("connect ECONNREFUSED 127.0.0.1:1", "ECONNREFUSED"), /start the br/],
  ["an unknown name", connection("getaddrinfo ENOTFOUND nowhere", "ENOTFOUND"), /name is not fo/],
  ["a host out of reach", connection("connect EHOSTUNREACH", "EHOSTUNREACH"), /no way leads/],
  ["a connection that is lost", wrapped("Closed connection"), /the broker hangs up/],
  ["a connection that was lost before", wrapped("Not connected"), /the broker hangs up/],
  [
    "a connection that is lost in a write",
    connection("Connection error: write after end", "ERR_STREAM_WRITE_AFTER_END"),
    /the broker hangs up/,
  ],
  ["a request without an answer", wrapped("Request Fetch(key: 1) timed out"), /does not answer/],
  ["a connection without an answer", wrapped("Connection timeout"), /does not answer/],
  ["what follows on a timeout", new Error("Broker not connected"), /does not answer/],
  ["our own patience", new SilentError("No answer from the broker"), /does not answer/],
];
for (const [name, error, advice] of ADVISED) {
  Deno.test(`brokerAdviceFor() says what to do about ${name}`, () => {
    assertMatch(brokerAdviceFor(error) ?? "", advice);
    assert(isOfBroker(error));
  });
}

Deno.test("isPassing() knows what a broker answers while it starts", () => {
  const loading = createErrorFromCode(14);
  assertEquals(loading.type, "GROUP_LOAD_IN_PROGRESS");
  const kafkajs = new KafkaJSGroupCoordinatorNotFound("Failed to find group coordinator");
  for (const error of [loading, new Error("wrapped", { cause: loading }), kafkajs]) {
    assert(isPassing(error));
  }
  // All connections are gone: the next try makes one, or says why it cannot.
  assert(isPassing(new KafkaJSNoBrokerAvailableError()));
  assertEquals(isPassing(createErrorFromCode(29)), false);
});

Deno.test("isOfBroker() leaves the database's failures to others", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED ::1:5432"), {
    code: "ECONNREFUSED",
  });
  assertEquals(isOfBroker(refused), false);
});

/** As kafkajs words it. */
function connection(message: string, code: string): Error {
  return Object.assign(wrapped(`Connection error: ${message}`), { code, broker: "kafka:9092" });
}

function wrapped(message: string): Error {
  const cause = Object.assign(new Error(message), { name: "KafkaJSConnectionError" });
  return Object.assign(new Error(message, { cause }), { name: "KafkaJSNumberOfRetriesExceeded" });
}
