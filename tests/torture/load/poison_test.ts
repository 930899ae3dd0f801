import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { decode } from "../../../wire/decode.ts";
import { resultOf } from "../check/evidence_fixture.ts";
import { recordToSend } from "./ledger.ts";
import { poisonReason, poisonRecords } from "./poison.ts";

const GOOD = recordToSend(resultOf()).value!;

Deno.test("poisonRecords() are refused, each for the reason that poisonReason() gives", () => {
  const reasons = new Set<string>();
  for (const { value } of poisonRecords(7, GOOD, { large: true })) {
    const decoded = decode(value === null ? null : Buffer.from(value, "base64"));
    const reason = decoded.ok ? "none" : decoded.reason;
    assertEquals(
      poisonReason(value),
      reason,
      Buffer.from(value ?? "", "base64").toString("utf8", 0, 99),
    );
    reasons.add(reason);
  }
  assertEquals(reasons.size, 10);
});

Deno.test("poisonRecords() differ with their number, but for those without a value", () => {
  const values = [1, 2].flatMap((n) => poisonRecords(n, GOOD, { large: false }));
  assertEquals(values.length, 28);
  assertEquals(new Set(values.map(({ value }) => value)).size, 26);
});
