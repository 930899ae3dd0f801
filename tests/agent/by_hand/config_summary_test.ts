import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { configSummary } from "../../../agent/by_hand/config_summary.ts";
import { loadConfig } from "../../../config/load.ts";
import { ConfigError } from "../../../config/say/findings.ts";
import { loadText } from "../../config/load_text.ts";

const GOOD = fileURLToPath(new URL("../../fixtures/config/good/", import.meta.url));

Deno.test("configSummary() tells each part, and each site in columns", () => {
  const config = loadText(`
    kafka: {monitoring: {bootstrap_servers: "k1,k2", acks: all, ssl: true}}
    websites:
      https://example.com/: {}
      second:
        url: https://example.org/
        client: fetch
        method: POST
        body: hello
        auth: {bearer: hunter2}
        frequency: 0.5e1
        timeout: 0.25
        valid_status_codes: [2xx, 404]
        regex: [a, b]
        degraded_response_time_ms: 500
        evidence: off
    agent: {listen: 9100, location: eu}
    database: {dsn: "host=db password='x host=y' dbname=mon"}`);
  assertEquals(configSummary(config), [
    "kafka     k1:9092 k2:9092, topic monitoring, group monitoring, acks all, TLS, no login",
    "database  at db, database mon",
    "agent     state in /etc/httpmon/state, location eu, serves " +
    "127.0.0.1:9100",
    "writer    at most 5000 results in a transaction",
    "sites     2, 0.217 checks a second",
    "",
    "  site                           every  timeout  asked by                                 " +
    "rules",
    "  https://example.com/           60 s   120 s    GET                                      " +
    "status 200",
    "  second (https://example.org/)  5 s    0.25 s   POST by fetch, body of 5 B, auth bearer  " +
    "status 200-299 404, 2 regex, degraded above 500 ms, no evidence",
    "",
    'The timeout of "https://example.com/" is longer than its interval: a check that hangs answers for the due',
    "times that pass meanwhile (slots), and is told that much later.",
  ]);
});

Deno.test("configSummary() says what is missing, and who needs it", () => {
  assertEquals(configSummary(loadText("{}")).filter((line) => line.includes("none")), [
    "database  none, which writer, init-schema and dbdump need",
    "sites     none, which an agent needs",
  ]);
});

Deno.test("configSummary() prints no secret", () => {
  const env = { TEST_SECRET: "s3cret", TEST_HOST: "h" };
  for (const file of ["sites.yaml", "everything.yaml", "older_program.yaml"]) {
    const text = configSummary(loadConfig(file, { cwd: GOOD, env })).join("\n");
    assert(!/s3cret|hunter2|Token|p"ä/.test(text), text);
  }
});

Deno.test("configSummary() tells of a DSN only what is no part of a password for sure", () => {
  const cases: [string, string][] = [
    [
      "postgres://u:hunter2@db.example:5433/mon?sslmode=require",
      "at db.example:5433, database mon",
    ],
    ["host='db example' password=hunter2", "at db example"],
    ["password='hunter2 host=hunter2'", "where the DSN says"],
    ["postgres://u:hun%40ter2@db.example/mon", "at db.example, database mon"],
    ["postgres:///mon", "where the DSN says, database mon"],
    ["postgres://u:${PW}@${HOST}/mon", "at ${HOST}, database mon"],
    ["${DSN}", "where the DSN says"],
  ];
  for (const [dsn, place] of cases) {
    const env = { PW: "p%40w", HOST: "host", DSN: "host=hunter2" };
    const text = configSummary(loadText(`database: {dsn: "${dsn}"}`, { env })).join("\n");
    assertStringIncludes(text, `database  ${place}\n`);
  }
});

Deno.test("loadConfig() refuses a DSN whose password ends early, and shows nothing of it", () => {
  for (
    const dsn of [
      "postgres://u:1/hunter2@db.example/mon",
      "postgres://u:hun@ter2@db.example/mon",
      "postgres://u:hunter2@x/hunter2@db.example/mon",
      "postgres://u:hun#ter2@db.example/mon",
      "postgres://u:hun?ter2@db.example/mon",
    ]
  ) {
    const { message } = assertThrows(() => loadText(`database: {dsn: "${dsn}"}`), ConfigError);
    assertStringIncludes(message, "database.dsn: ");
    assert(!/hun|ter2/.test(message), message);
  }
});

Deno.test("configSummary() keeps the columns in place for a site with a long name", () => {
  const lines = configSummary(loadText(
    `websites: {https://a.example/${"x".repeat(200)}: {}, https://b.example/: {}}`,
  ));
  assertEquals(lines.find((line) => line.includes("https://b.example/"))!.indexOf("60 s"), 64);
});

Deno.test("configSummary() shows what came from outside by its name, and sites that are off", () => {
  const lines = configSummary(loadText(
    `
    kafka: {monitoring: {bootstrap_servers: "${"${KAFKA}"}"}}
    agent: {location: "${"${PLACE}"}"}
    websites:
      a: {url: "https://${"${PLACE}"}/", labels: {team: "${"${PLACE}"}"}, enabled: true}
      b: {url: https://b.example/, enabled: false}`,
    { env: { KAFKA: "kafka.internal", PLACE: "place-internal" } },
  ));
  const text = lines.join("\n");
  assert(!text.includes("internal"), text);
  assertStringIncludes(text, "kafka     ${KAFKA}:9092, topic");
  assertStringIncludes(text, "location ${PLACE}");
  assertStringIncludes(text, "a (https://${PLACE}/)");
  assertStringIncludes(text, ", team=${PLACE}");
  assertStringIncludes(text, 'disabled  "b"\n');
});
