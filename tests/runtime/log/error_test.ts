import { assert, assertEquals } from "@std/assert";
import kafkajs from "kafkajs";
import { describeError } from "../../../runtime/log/error.ts";

Deno.test("describeError() says once what an error and its causes say alike", () => {
  const cause = new Error("Closed connection");
  const cases: [Error, string][] = [
    [new Error("Closed connection: Closed connection"), "Closed connection"],
    [new Error("Closed connection", { cause }), "Closed connection"],
    [new Error("Sending: Closed connection", { cause }), "Sending: Closed connection"],
    [new Error("Sending failed", { cause }), "Sending failed: Closed connection"],
  ];
  for (const [error, message] of cases) assertEquals(describeError(error).message, message);
});

Deno.test("describeError() tells all of several at once, and no stack of ours", () => {
  const of = (address: string) =>
    Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: "ECONNREFUSED" });
  assertEquals(describeError(new AggregateError([of("::1:5432"), of("127.0.0.1:5432")])), {
    type: "AggregateError",
    message: "connect ECONNREFUSED ::1:5432: connect ECONNREFUSED 127.0.0.1:5432",
    code: "ECONNREFUSED",
  });
});

Deno.test("describeError() names the broker", () => {
  const { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded } = kafkajs;
  const lost = new KafkaJSConnectionError("Connection error: certificate unknown", {
    broker: "kafka-1:9093",
    code: "ECONNRESET",
  });
  const described = describeError(
    new KafkaJSNumberOfRetriesExceeded(lost, {
      retryCount: 0,
      retryTime: 0,
    }),
  );
  assertEquals(described.broker, "kafka-1:9093");
  assert(described.message.includes("kafka-1:9093"), described.message);
  assertEquals(described.message.split("certificate unknown").length, 2, described.message);
});

Deno.test("describeError() shows where a mistake of the program is, and of others where it is asked to", () => {
  assert(describeError(new TypeError("x is not a function")).stack?.includes("error_test.ts"));
  assertEquals(describeError(new Error("away")).stack, undefined);
  assert(describeError(new Error("away"), true).stack);
});

Deno.test("describeError() takes what is no error as its text", () => {
  assertEquals(describeError("gone"), { type: "string", message: "gone" });
});
