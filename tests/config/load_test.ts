import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../config/load.ts";
import { ConfigError } from "../../config/say/findings.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { defaultSite, loadText } from "./load_text.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/config/", import.meta.url));
const GOOD = join(FIXTURES, "good");

const { name: _, url: __, requestUrl: ___, ...SITE_DEFAULTS } = defaultSite("");

const KEEP = {
  raw: null,
  hourly: null,
  daily: null,
  evidence: null,
  deadLetters: null,
  incidents: null,
};

const ENV = {
  TEST_LEVEL: "WARN",
  TEST_HOST: "h.example",
  TEST_TRUE: "true",
  TEST_NUMBER: "7",
  TEST_ACKS: "all",
  TEST_CODES: "200, 204",
  TEST_FOLDER: "../files",
  TEST_SECRET: "s3cret",
};

Deno.test("loadConfig() gives every default", () => {
  assertEquals(loadText("loglevel: ERROR"), {
    loglevel: "ERROR",
    kafka: {
      bootstrapServers: ["127.0.0.1:9092"],
      tls: null,
      sasl: null,
      topic: "monitoring",
      topicPartitions: 6,
      topicReplicationFactor: -1,
      topicRetentionMs: 604_800_000,
      consumerGroup: "monitoring",
      alertsGroup: "monitoring-alerts",
      batchTimeoutMs: 10_000,
      acks: 1,
      requestTimeoutMs: 40_000,
    },
    sites: [],
    siteDefaults: SITE_DEFAULTS,
    agent: {
      uuid: null,
      stateDir: "/etc/httpmon/state",
      maxConcurrentChecks: null,
      controls: [],
      denyNetworks: null,
      location: null,
      labels: {},
      listen: null,
      metricsPerSite: false,
      outboxMaxBytes: 1_073_741_824,
      outboxMaxAgeMs: 604_800_000,
      shutdownTimeoutMs: 10_000,
    },
    writer: { maxBatchMessages: 5000, maintain: true, listen: null, shutdownTimeoutMs: 10_000 },
    alerts: {
      rules: { failureThreshold: 3, successThreshold: 2, downWhen: "majority" },
      channels: {},
      routes: [],
      groupWaitMs: 30_000,
      reminderMs: null,
      heartbeatUrl: null,
      listen: null,
    },
    web: {
      listen: { host: "127.0.0.1", port: 8080 },
      publicUrl: null,
      title: "httpmon",
      ops: [],
      access: { users: {}, tokens: [], proxyHeader: null, secret: null },
      status: null,
    },
    database: null,
    disabledSites: [],
    templates: {},
    includePatterns: [],
    secrets: [],
    dsnAsWritten: null,
  });
});

Deno.test("loadConfig() takes sections and keys that are left empty as absent", () => {
  const sections = ["kafka", "websites", "agent", "writer", "alerts", "web", "database"];
  const empty = loadText(`loglevel:\n${sections.map((name) => `${name}:\n`).join("")}`);
  assertEquals(empty, loadText("{}"));
  assertEquals(
    loadText("kafka: {monitoring: {topic: , ssl_cafile: , acks: }}\ndatabase: {writer: }"),
    loadText("{}"),
  );
});

Deno.test("loadConfig() reads every key", () => {
  const config = loadConfig("everything.yaml", { cwd: GOOD, env: {} });
  assertEquals(config, {
    loglevel: "DEBUG",
    kafka: {
      bootstrapServers: ["kafka1.example:9092", "[::1]:9093", "10.0.0.1:9094"],
      tls: { ca: null, cert: null, key: null },
      sasl: { mechanism: "scram-sha-512", username: "httpmon", password: 'p"ä$ 1' },
      topic: "results.v1",
      topicPartitions: 12,
      topicReplicationFactor: 3,
      topicRetentionMs: -1,
      consumerGroup: "writers",
      alertsGroup: "writers-alerts",
      batchTimeoutMs: 500,
      acks: -1,
      requestTimeoutMs: 30_000,
    },
    // A key that is a whole number comes first, as in any JavaScript object.
    sites: [
      {
        ...defaultSite("HTTPS://example.com/path?q=1"),
        name: "5",
      },
      {
        ...defaultSite("https://example.com/path?q=1#part"),
        timeoutMs: 250,
        frequencyMs: 1500,
        rules: {
          ...defaultSite("https://example.com/path?q=1#part").rules,
          valid_status_codes: [{ from: 200, to: 200 }, { from: 404, to: 404 }, {
            from: 599,
            to: 599,
          }],
          regex: ["^(?P<word>ok|fine)$"],
        },
      },
      {
        ...defaultSite("http://[::1]:8080/@name"),
      },
      {
        ...defaultSite("https://example.com/path?q=1"),
        name: "names may have spaces",
      },
    ],
    siteDefaults: SITE_DEFAULTS,
    agent: {
      uuid: "0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90",
      stateDir: join(GOOD, "var/httpmon"),
      maxConcurrentChecks: 10,
      controls: ["192.0.2.1:53", "[2001:db8::1]:443", "https://example.com/"],
      denyNetworks: ["192.0.2.0/24", "2001:db8::1"],
      location: null,
      labels: {},
      listen: null,
      metricsPerSite: false,
      outboxMaxBytes: 1_048_576,
      outboxMaxAgeMs: 1_800_000,
      shutdownTimeoutMs: 0,
    },
    writer: { maxBatchMessages: 1, maintain: true, listen: null, shutdownTimeoutMs: 600_000 },
    alerts: {
      rules: { failureThreshold: 5, successThreshold: 1, downWhen: 2 },
      channels: {
        "on-call": {
          type: "webhook",
          url: "https://hooks.example/?room=1",
          secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        },
        program: {
          type: "webhook",
          url: "http://10.0.0.1:8080/",
          method: "PUT",
          headers: { "X-Key": "abc" },
          template: { text: "{{title}}", list: [1, true, null] },
        },
        cluster: {
          type: "alertmanager",
          url: ["http://10.0.0.1:9093", "http://10.0.0.2:9093"],
        },
        chat: { type: "slack", url: "https://hooks.slack.example/services/T/B/x" },
        pager: { type: "pagerduty", routing_key: "0123456789abcdef0123456789abcdef" },
        mail: {
          type: "email",
          host: "mail.example",
          port: 2525,
          security: "none",
          username: "ops",
          password: "secret",
          from: "httpmon <httpmon@mon.example>",
          to: ["ops@example.com", "Ops <ops@example.org>"],
        },
        phone: { type: "ntfy", topic: "on-call" },
        room: { type: "matrix", url: "https://matrix.example", token: "syt", room: "!a:example" },
      },
      routes: [
        {
          matchers: [
            { name: "group", value: "a|b", isRegex: true, isEqual: true },
            { name: "severity", value: "warning", isRegex: false, isEqual: false },
          ],
          channels: ["pager"],
          goesOn: true,
        },
        { matchers: [], channels: ["chat", "mail"], goesOn: false },
      ],
      groupWaitMs: 5_000,
      reminderMs: 3_600_000,
      heartbeatUrl: "https://beat.example/abc",
      listen: { host: "127.0.0.1", port: 9102 },
    },
    web: {
      listen: { host: "::1", port: 8081 },
      publicUrl: "https://status.example",
      title: "Example status",
      ops: ["http://10.0.0.1:9100"],
      access: {
        users: {
          ada: {
            password: `$scrypt$ln=15,r=8,p=3$${"A".repeat(22)}$${"A".repeat(43)}`,
            role: "operate",
          },
        },
        tokens: [{ name: "board", sha256: `${"0123456789".repeat(6)}0123`, role: "view" }],
        proxyHeader: { name: "Remote-User", from: ["10.0.0.0/8"], operate: [] },
        secret: "0123456789abcdef0123456789abcdef",
      },
      status: {
        groups: ["shop"],
        title: "Example status",
        logo: null,
        homepage: "https://example.com/",
        colours: { accent: "#2457d6" },
      },
    },
    database: {
      dsn: "host=db.example dbname=httpmon user=httpmon",
      readerDsn: "host=db.example user=httpmon_reader",
      retention: KEEP,
    },
    disabledSites: [],
    templates: {},
    includePatterns: [],
    secrets: [],
    dsnAsWritten: null,
  });
});

Deno.test("loadConfig() reads a config of the older program", () => {
  const config = loadConfig("good/older_program.yaml", { cwd: FIXTURES, env: {} });
  assertEquals(config.loglevel, "INFO");
  assertEquals(config.kafka.bootstrapServers, ["kafka.example:9092"]);
  assertStringIncludes(config.kafka.tls?.ca ?? "", "BEGIN CERTIFICATE");
  assertEquals(config.sites, [
    {
      ...defaultSite("https://example.com/"),
      timeoutMs: 10_000,
      frequencyMs: 5000,
      rules: {
        ...defaultSite("https://example.com/").rules,
        valid_status_codes: [{ from: 200, to: 200 }, { from: 201, to: 201 }],
        regex: ["foo\\Z"],
      },
    },
    {
      ...defaultSite("https://example.org/"),
    },
  ]);
  assertEquals(config.database, {
    dsn: "postgres://httpmon:hunter2@db.example/httpmon",
    readerDsn: null,
    retention: KEEP,
  });
});

Deno.test("loadConfig() makes values from the environment and from files what their keys need", () => {
  const config = loadConfig("from_outside.yaml", { cwd: GOOD, env: ENV });
  assertEquals(config.loglevel, "WARN");
  assertEquals(config.kafka.bootstrapServers, ["h.example:9092", "h.example:9093"]);
  assertEquals(config.kafka.tls, { ca: null, cert: null, key: null });
  assertEquals(config.kafka.sasl, {
    mechanism: "plain",
    username: "${literal} $5 h.example",
    password: "hunter2",
  });
  assertEquals(config.kafka.topicPartitions, 7);
  assertEquals(config.kafka.acks, -1);
  assertEquals(config.sites, [{
    ...defaultSite("https://h.example/"),
    name: "templated",
    url: "https://${TEST_HOST}/",
    secrets: [{ value: "h.example", name: "${TEST_HOST}" }],
    timeoutMs: 2500,
    frequencyMs: 7000,
    rules: {
      ...defaultSite("https://h.example/").rules,
      valid_status_codes: [{ from: 200, to: 200 }, { from: 204, to: 204 }],
    },
  }]);
  assertEquals(config.database, {
    dsn: "postgres://httpmon:s3cret@h.example/httpmon",
    readerDsn: null,
    retention: KEEP,
  });
});

Deno.test("loadConfig() keeps a text of digits a text where the key is one", () => {
  const config = loadText(
    "kafka: {monitoring: {sasl_mechanism: plain, sasl_username: '${N}', sasl_password: '${N}'}}",
    { env: { N: "007" } },
  );
  assertEquals(config.kafka.sasl, { mechanism: "plain", username: "007", password: "007" });
});

Deno.test("loadConfig() says in one line why a file cannot be read", () => {
  const cases: [string, string][] = [
    [
      "ENOENT",
      'Config "c.yaml" does not exist; name another with -c, or start from config/config.sample.yaml',
    ],
    ["EACCES", 'Config "c.yaml" may not be read (permission denied)'],
    ["EIO", 'Config "c.yaml" cannot be read (EIO)'],
  ];
  for (const [code, message] of cases) {
    const readFile = () => {
      throw Object.assign(new Error("some text"), { code });
    };
    const error = assertThrows(() => loadConfig("c.yaml", { env: {}, readFile }), UsageError);
    assertEquals(error.message, message);
  }
});

Deno.test("loadConfig() says in one line that a folder, or nothing, is at the path", () => {
  const folder = assertThrows(() => loadConfig("good", { cwd: FIXTURES, env: {} }), ConfigError);
  assertEquals(folder.message, 'Config "good" is a directory');
  for (const file of ["good/none.yaml", "good/older_program.yaml/none.yaml"]) {
    const error = assertThrows(() => loadConfig(file, { cwd: FIXTURES, env: {} }), ConfigError);
    assertStringIncludes(error.message, `Config "${file}" does not exist; name another`);
  }
});

Deno.test("loadConfig() reads a file that starts with a byte order mark", () => {
  assertEquals(loadText("\ufeffloglevel: INFO").loglevel, "INFO");
});

Deno.test("loadConfig() takes database.dsn where database.writer.dsn is absent or the same", () => {
  assertEquals(loadText("database: {dsn: host=a}").database, {
    dsn: "host=a",
    readerDsn: null,
    retention: KEEP,
  });
  const both = "database: {dsn: host=a, writer: {dsn: host=a}}";
  assertEquals(loadText(both, { mode: "writer" }).database.dsn, "host=a");
});

Deno.test("loadConfig() keeps evidence as long as results, where it says nothing else", () => {
  const of = (text: string) =>
    loadText(`database: {dsn: dbname=b, retention: {${text}}}`, { mode: "maintain" }).database
      .retention;
  assertEquals(of("raw: 30, daily: keep"), { ...KEEP, raw: 30, evidence: 30 });
  assertEquals(
    of("raw: 30, hourly: 30, daily: 400, evidence: 7, dead_letters: 90, incidents: 700"),
    {
      raw: 30,
      hourly: 30,
      daily: 400,
      evidence: 7,
      deadLetters: 90,
      incidents: 700,
    },
  );
});

Deno.test("loadConfig() reads whether the writer maintains", () => {
  for (const [text, maintain] of [["off", false], ["false", false], ["on", true]] as const) {
    assertEquals(loadText(`writer: {maintain: ${text}}`).writer.maintain, maintain);
  }
});

Deno.test("loadConfig() loads 10,000 sites, and lists 10,000 problems in the file's order", () => {
  const urls = Array.from({ length: 10_000 }, (_, i) => `https://s${i}.example/`);
  const good = urls.map((url) => `  ${url}: {regex: 'ok\\Z'}`).join("\n");
  assertEquals(loadText(`websites:\n${good}`).sites.map(({ url }) => url), urls);

  const bad = urls.map((url) => `  ${url}: {timeout: 0}`).join("\n");
  const error = assertThrows(() => loadText(`websites:\n${bad}`), ConfigError);
  assertEquals(error.problems.map(({ path }) => path[1]), urls);
});
