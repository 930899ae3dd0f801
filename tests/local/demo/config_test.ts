import { assert, assertEquals, assertThrows } from "@std/assert";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../config/load.ts";
import { ConfigError } from "../../../config/say/findings.ts";
import { type DemoPlaces, ownConfig, sampleConfig } from "../../../local/demo/config.ts";

const PLACES: DemoPlaces = {
  brokers: ["127.0.0.1:15001"],
  dsn: "postgres://postgres:secret@127.0.0.1:15002/postgres",
  stateDir: "/demo/agent",
  ports: { web: 18080, agent: 19100, writer: 19101 },
};

async function withFile(text: string, run: (folder: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-test-"));
  try {
    await writeFile(join(folder, "own.yaml"), text);
    await writeFile(join(folder, "pattern"), "welcome|hello");
    run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Loads `text` as a config; other files are read. */
function load(text: string) {
  const readFile = (path: string) =>
    path === "/demo/config.yaml" ? new TextEncoder().encode(text) : readFileSync(path);
  return loadConfig("/demo/config.yaml", { readFile });
}

Deno.test("sampleConfig() names the sites and the demo's places", () => {
  const settings = { frequency: 2, timeout: 1, regex: "go" };
  const url = "http://127.0.0.1:15003/fine";
  const { text, sites } = sampleConfig(
    [{ name: "fine", url, does: "answers", expected: "up", settings }],
    PLACES,
    "http://127.0.0.1:15009/",
  );
  const config = load(text);
  assertEquals(config.sites, sites);
  const { demo } = config.alerts.channels;
  assertEquals(demo?.type === "webhook" && demo.url, "http://127.0.0.1:15009/");
  assertEquals(config.web.status?.groups, [sites[0]!.labels.group!]);
  assertEquals([sites[0]!.name, sites[0]!.url, sites[0]!.rules.regex], ["fine", url, ["go"]]);
  assertEquals([sites[0]!.frequencyMs, sites[0]!.timeoutMs], [2000, 1000]);
  assertEquals(config.kafka!.bootstrapServers, PLACES.brokers);
  assertEquals(config.database!.dsn, PLACES.dsn);
  assertEquals(config.agent.stateDir, PLACES.stateDir);
});

Deno.test("ownConfig() keeps the person's settings but for Kafka, PostgreSQL and state", async () => {
  const own = `
    loglevel: ERROR
    websites:
      https://example.com/: { regex_file: pattern }
    kafka: { monitoring: { bootstrap_servers: "\${NOT_SET_ANYWHERE}", ssl_cafile: nowhere.pem } }
    database: { writer: { dsn: "postgres://mine/mine" } }
    agent: { state_dir: mine, max_concurrent_checks: 7 }
    writer: { max_batch_messages: 9 }`;
  await withFile(own, (folder) => {
    const { text } = ownConfig("own.yaml", folder, PLACES);
    const config = load(text);
    assertEquals(config.sites[0]!.rules.regex, ["welcome|hello"]);
    assertEquals(config.kafka!.bootstrapServers, PLACES.brokers);
    assertEquals(config.kafka!.tls, null);
    assertEquals(config.database!.dsn, PLACES.dsn);
    assertEquals(config.agent.stateDir, PLACES.stateDir);
    assertEquals(config.agent.maxConcurrentChecks, 7);
    assertEquals(config.writer.maxBatchMessages, 9);
    assertEquals(config.loglevel, "INFO");
  });
});

Deno.test("ownConfig() finds what the product finds, under the person's name of the file", async () => {
  await withFile("websites: { 'http://a.example/': { timeout: -1 } }", (folder) => {
    const error = assertThrows(() => ownConfig("own.yaml", folder, PLACES), ConfigError);
    assert(error.message.startsWith('Config "own.yaml" has 1 problem'), error.message);
    assert(!error.message.includes("secret"));
  });
  for (const text of ["[1, 2]", "a: : b", ""]) {
    await withFile(text, (folder) => {
      assertThrows(() => ownConfig("own.yaml", folder, PLACES), ConfigError, "own.yaml");
    });
  }
  assertThrows(() => ownConfig("nowhere.yaml", "/", PLACES), ConfigError, "does not exist");
});
