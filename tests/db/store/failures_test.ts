import { assertEquals } from "@std/assert";
import pg from "pg";
import { classifyFailure, isMissingPartition } from "../../../db/store/failures.ts";

function answer(code: string, constraint?: string): pg.DatabaseError {
  const error = new pg.DatabaseError("message", 0, "error");
  error.code = code;
  if (constraint) error.constraint = constraint;
  return error;
}

Deno.test("classifyFailure() blames the database for all that another try may mend", () => {
  const states =
    "08006 08P01 25P02 25P03 25006 28P01 3D000 3F000 40001 40P01 42501 42703 42P01 53100 53200 " +
    "53300 55P03 57P01 57P03 58030 XX000 XX001 23514 0A000 2200H";
  for (const state of states.split(" ")) {
    assertEquals(classifyFailure(answer(state)), "operational", state);
  }
  for (const code of ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND"]) {
    assertEquals(classifyFailure(Object.assign(new Error("x"), { code })), "operational", code);
  }
  assertEquals(classifyFailure(new Error("Connection terminated unexpectedly")), "operational");
  assertEquals(classifyFailure("anything"), "operational");
});

Deno.test("classifyFailure() blames the data for what would fail for ever", () => {
  for (const state of ["22001", "22003", "22021", "23502", "23505", "44000", "54000", "P0001"]) {
    assertEquals(classifyFailure(answer(state)), "data", state);
  }
  assertEquals(classifyFailure(answer("23514", "some_check")), "data");
});

Deno.test("classifyFailure() blames the data for what is too much at a time, there or here", () => {
  assertEquals(classifyFailure(answer("57014")), "data");
  assertEquals(classifyFailure(new RangeError("Invalid string length")), "data");
  assertEquals(classifyFailure(new TypeError("x is not iterable")), "data");
});

Deno.test("isMissingPartition() tells a missing partition from a CHECK constraint", () => {
  assertEquals(isMissingPartition(answer("23514")), true);
  assertEquals(isMissingPartition(answer("23514", "some_check")), false);
  assertEquals(isMissingPartition(answer("23505")), false);
});
