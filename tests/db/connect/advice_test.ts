import { assertEquals, assertMatch } from "@std/assert";
import { adviceFor } from "../../../db/connect/advice.ts";
import { explainFailure } from "../../../db/connect/explain_failure.ts";

const failure = (message: string, code?: string) => Object.assign(new Error(message), { code });

const ADVISED: [name: string, error: Error, advice: RegExp][] = [
  [
    "a closed port",
    failure("connect ECONNREFUSED 127.0.0.1:5432", "ECONNREFUSED"),
    /start the dat/,
  ],
  ["an unknown name", failure("getaddrinfo ENOTFOUND db", "ENOTFOUND"), /host is not found/],
  ["a host out of reach", failure("connect EHOSTUNREACH", "EHOSTUNREACH"), /no way leads/],
  ["a connection without an answer", failure("timeout expired"), /does not answer/],
  ["a query without an answer", failure("Query read timeout"), /does not answer/],
  ["a full disk", failure("could not extend file", "53100"), /make room/],
  ["no connection that is left", failure("sorry, too many clients", "53300"), /max_connections/],
  ["a start", failure("the database system is starting up", "57P03"), /waited for/],
];
for (const [name, error, advice] of ADVISED) {
  Deno.test(`adviceFor() says what to do about ${name}`, () => {
    assertMatch(adviceFor(error) ?? "", advice);
  });
}

Deno.test("explainFailure() says what happened, and what to do", () => {
  assertEquals(
    explainFailure(failure("connect ECONNREFUSED 127.0.0.1:5432", "ECONNREFUSED")),
    "Cannot reach the database: connect ECONNREFUSED 127.0.0.1:5432; nobody listens there: " +
      "start the database, or correct the DSN",
  );
});
