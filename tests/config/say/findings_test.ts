import { assert, assertEquals } from "@std/assert";
import { ConfigError, formatPath } from "../../../config/say/findings.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";

Deno.test("formatPath() writes a path as one would in code", () => {
  assertEquals(formatPath([]), "");
  assertEquals(formatPath(["kafka", "monitoring", "ssl"]), "kafka.monitoring.ssl");
  assertEquals(
    formatPath(["websites", "https://example.com/", "valid_status_codes", 1]),
    'websites["https://example.com/"].valid_status_codes[1]',
  );
  assertEquals(formatPath(["websites", "two words"]), 'websites["two words"]');
});

Deno.test("formatPath() hides a password in a key", () => {
  assertEquals(formatPath(["websites", "https://u:p@h/"]), 'websites["https://(hidden)@h/"]');
});

Deno.test("ConfigError has a line for each problem", () => {
  const error = new ConfigError("a.yaml", [
    { path: ["a"], text: "is wrong" },
    { path: ["b", 0], text: "is wrong, too" },
  ]);
  assertEquals(
    error.message,
    'Config "a.yaml" has 2 problems:\n  a: is wrong\n  b[0]: is wrong, too',
  );
  assert(error instanceof UsageError);
});

Deno.test("ConfigError is one line where the file as a whole is wrong", () => {
  const error = new ConfigError("a.yaml", [{ path: [], text: "does not exist" }]);
  assertEquals(error.message, 'Config "a.yaml" does not exist');
});
