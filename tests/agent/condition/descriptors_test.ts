import { assertEquals } from "@std/assert";
import { allowedChecks } from "../../../agent/condition/descriptors.ts";

function descriptors(limit: number, code: string) {
  let open = 0;
  return {
    open() {
      if (open >= limit) throw Object.assign(new Error("no more"), { code });
      return open++;
    },
    close: () => void open--,
    left: () => open,
  };
}

for (
  const { name, wanted, limit, code, allowed } of [
    {
      name: "what is wanted where there is room",
      wanted: 50,
      limit: 150,
      code: "EMFILE",
      allowed: 50,
    },
    {
      name: "what is left of too few, less 100",
      wanted: 50,
      limit: 149,
      code: "EMFILE",
      allowed: 49,
    },
    { name: "what is left of the system's", wanted: 500, limit: 400, code: "ENFILE", allowed: 300 },
    { name: "at least one", wanted: 50, limit: 10, code: "EMFILE", allowed: 1 },
    {
      name: "what is wanted where it cannot count",
      wanted: 50,
      limit: 0,
      code: "ENOENT",
      allowed: 50,
    },
  ]
) {
  Deno.test(`allowedChecks() gives ${name}`, () => {
    const { open, close, left } = descriptors(limit, code);
    assertEquals(allowedChecks(wanted, open, close), allowed);
    assertEquals(left(), 0);
  });
}

Deno.test("allowedChecks() counts this process's own descriptors", () => {
  assertEquals(allowedChecks(20), 20);
});
