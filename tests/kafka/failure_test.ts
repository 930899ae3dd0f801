import { assert, assertEquals } from "@std/assert";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { RefusedError } from "../../kafka/errors.ts";
import { asSendError, brokerAdviceFor } from "../../kafka/failure.ts";

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
    [58, "check sasl_username and sasl_password"],
    [10, null],
  ] as const
) {
  const answer = createErrorFromCode(code);
  Deno.test(`brokerAdviceFor() says what to do about ${answer.type}`, () => {
    assertEquals(brokerAdviceFor(new Error("wrapped", { cause: answer })), advice);
  });
}
