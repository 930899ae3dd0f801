import { assertEquals } from "@std/assert";
import { ERROR_CLASSES } from "../../agent/http/types.ts";
import { judge } from "../../agent/rules.ts";
import { response, site } from "./support.ts";

const UP = { verdict: "up", reason: null } as const;

for (
  const { name, valid = [200], status = 200, regexResult = null, expected } of [
    { name: "up for a valid status", expected: UP },
    { name: "up for a valid status that is not 2xx", valid: [404], status: 404, expected: UP },
    { name: "up where the regex matched", regexResult: true, expected: UP },
    {
      name: "down for another status",
      status: 500,
      expected: { verdict: "down", reason: "status" },
    },
    {
      name: "down for a 200 that is not valid",
      valid: [204],
      expected: { verdict: "down", reason: "status" },
    },
    {
      name: "down where the regex did not match",
      regexResult: false,
      expected: { verdict: "down", reason: "regex" },
    },
    {
      name: "down for the status first",
      status: 500,
      regexResult: false,
      expected: { verdict: "down", reason: "status" },
    },
  ] as const
) {
  Deno.test(`judge() says ${name}`, () => {
    assertEquals(judge(site({ validStatusCodes: valid }), response({ status }), regexResult), {
      ...expected,
    });
  });
}

Deno.test("judge() says down for each failure of a site, unknown for each of the monitor", () => {
  for (const reason of ERROR_CLASSES) {
    const record = response({ error: { class: reason, message: "x" } });
    const verdict = reason.startsWith("local_") ? "unknown" : "down";
    assertEquals(judge(site(), record, null), { verdict, reason });
  }
});
