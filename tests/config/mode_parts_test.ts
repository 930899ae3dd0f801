import { assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../config/load.ts";
import { ConfigError } from "../../config/say/findings.ts";
import type { Mode } from "../../runtime/cli/modes.ts";
import { loadText } from "./load_text.ts";

const GOOD = fileURLToPath(new URL("../fixtures/config/good/", import.meta.url));

Deno.test("loadConfig() looks up nothing in sections that the mode does not use", () => {
  const agents = loadConfig("unused_sections.yaml", {
    cwd: GOOD,
    mode: "agent",
    env: { TEST_KAFKA_PASSWORD: "x", TEST_HOST: "h.example" },
  });
  assertEquals(agents.database, null);
  assertEquals(agents.sites.length, 1);

  const error = assertThrows(
    () => loadConfig("unused_sections.yaml", { cwd: GOOD, mode: "init-schema", env: {} }),
    ConfigError,
  );
  assertEquals(
    error.message,
    'Config "unused_sections.yaml" has 1 problem:\n' +
      "  database.writer.dsn_file: expected a path of a file with the value, " +
      'found "nowhere/dsn.txt", which does not exist',
  );
});

Deno.test("loadConfig() still checks the sections that the mode does not use", () => {
  const text =
    "kafka: {monitoring: {acks: 5, ssl_cafile: nowhere.pem}}\ndatabase: {dsn: dbname=b}\n" +
    "unknown: ${MISSING}";
  const error = assertThrows(() => loadText(text, { mode: "dbdump" }), ConfigError);
  assertEquals(error.problems.map(({ path }) => path.join(".")), [
    "kafka.monitoring.acks",
    "unknown",
    "unknown",
  ]);
});

Deno.test("loadConfig() names what the mode needs, together with what else is wrong", () => {
  const cases: [Mode, string][] = [
    ["agent", '  websites: expected at least one site for mode "agent", found none'],
    [
      "writer",
      "  database.writer.dsn: expected a PostgreSQL connection string (postgres://... or " +
      'host=... dbname=...) for mode "writer", found nothing',
    ],
    [
      "dbdump",
      "  database.writer.dsn: expected a PostgreSQL connection string (postgres://... or " +
      'host=... dbname=...) for mode "dbdump", found nothing',
    ],
  ];
  for (const [mode, line] of cases) {
    const error = assertThrows(() => loadText("loglevel: X", { mode }), ConfigError);
    assertEquals(
      error.message,
      'Config "config.yaml" has 2 problems:\n' +
        '  loglevel: expected DEBUG, INFO, WARN, ERROR or CRITICAL, found "X"\n' + line,
    );
  }
});
