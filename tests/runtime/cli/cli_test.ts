import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseCommand } from "../../../runtime/cli/cli.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
import { helpText } from "../../../runtime/cli/help.ts";
import { MODES } from "../../../runtime/cli/modes.ts";
import { DEFAULT_CONFIG, type RunOptions } from "../../../runtime/cli/options.ts";

const NO_OPTIONS: RunOptions = {
  since: null,
  until: null,
  site: null,
  url: null,
  limit: null,
  tail: null,
  from: "raw",
  format: "json",
  reason: null,
  month: null,
  freeze: false,
  verify: false,
  args: [],
  header: [],
  request: null,
  data: null,
  insecure: false,
  ipv4: false,
  ipv6: false,
  resolve: [],
  timeout: null,
  repeat: 1,
  verbose: false,
  json: false,
  watch: false,
  dryRun: false,
  connect: false,
  as: null,
  test: null,
  forTime: null,
  why: null,
  end: null,
  hashPassword: false,
  export: null,
  log: null,
};

function parse(line: string, env: Record<string, string> = {}) {
  return parseCommand(line.split(" ").filter(Boolean), (name) => env[name]);
}

const RUNS: [line: string, env: Record<string, string>, mode: string, configPath: string][] = [
  ["agent", {}, "agent", "config/config.yaml"],
  ["-m writer", {}, "writer", "config/config.yaml"],
  ["--mode=writer -c a.yaml", {}, "writer", "a.yaml"],
  ["init-schema --config b.yaml", {}, "init-schema", "b.yaml"],
  ["", { APP_MODE: "agent", APP_CONFIG: "/etc/c.yaml" }, "agent", "/etc/c.yaml"],
  ["-m writer -c a", { APP_MODE: "agent", APP_CONFIG: "c" }, "writer", "a"],
  ["agent", { APP_MODE: "writer" }, "agent", "config/config.yaml"],
  ["agent -m agent", {}, "agent", "config/config.yaml"],
  ["check-config", {}, "check-config", "config/config.yaml"],
];
for (const [line, env, mode, configPath] of RUNS) {
  Deno.test(`parseCommand() reads "${line}" with ${JSON.stringify(env)}`, () => {
    assertEquals(parse(line, env) as unknown, {
      kind: "run",
      mode,
      configPath,
      isConfigNamed: configPath !== DEFAULT_CONFIG,
      options: NO_OPTIONS,
    });
  });
}

Deno.test("parseCommand() reads the options of dbdump", () => {
  const command = parse("dbdump --since 2026-01-01 --until 2026-02-01 --url http://a/ --limit 5");
  assert(command.kind === "run");
  assertEquals(command.options, {
    ...NO_OPTIONS,
    since: "2026-01-01",
    until: "2026-02-01",
    url: "http://a/",
    limit: 5,
  });
  const other = parse("dbdump --since 7d --site a --tail 5 --from daily --format parquet");
  assert(other.kind === "run");
  assertEquals(other.options, {
    ...NO_OPTIONS,
    since: "7d",
    site: "a",
    tail: 5,
    from: "daily",
    format: "parquet",
  });
});

Deno.test("parseCommand() reads the options of restore, replay, maintain and report", () => {
  for (
    const [line, options] of [
      ["restore", {}],
      ["restore -", { args: ["-"] }],
      ["-m restore a.json", { args: ["a.json"] }],
      [
        "replay --reason key_taken --since 1h --dry-run",
        { reason: "key_taken", since: "1h", dryRun: true },
      ],
      ["maintain --dry-run", { dryRun: true }],
      ["report", { format: "text" }],
      [
        "report --month 2026-10 --site a --format html --freeze --verify",
        { month: "2026-10", site: "a", format: "html", freeze: true, verify: true },
      ],
    ] as const
  ) {
    const command = parse(line);
    assert(command.kind === "run");
    assertEquals(command.options, { ...NO_OPTIONS, ...options } as RunOptions);
  }
});

Deno.test("parseCommand() reads what mode check is to check", () => {
  for (
    const line of [
      "check http://a/ --json",
      "--json check http://a/",
      "-m check http://a/ --json",
      "-m check check http://a/ --json",
    ]
  ) {
    const command = parse(line);
    assert(command.kind === "run");
    assertEquals([command.mode, command.options], [
      "check",
      { ...NO_OPTIONS, args: ["http://a/"], json: true },
    ]);
  }
  const named = parseCommand(["check", "the name of a site"], () => undefined);
  assert(named.kind === "run");
  assertEquals(named.options.args, ["the name of a site"]);
});

Deno.test("parseCommand() reads how a check asks, and several targets", () => {
  const command = parseCommand(
    [
      ...["check", "-v", "a.example", "-H", "A: b", "-H", "C: d", "-X", "PUT", "-d", "x=y", "-k"],
      ...["-4", "--resolve", "a.example:443:192.0.2.1", "--timeout", "2.5", "--repeat", "3", "b"],
    ],
    () => undefined,
  );
  assert(command.kind === "run");
  assertEquals(command.options, {
    ...NO_OPTIONS,
    args: ["a.example", "b"],
    header: ["A: b", "C: d"],
    request: "PUT",
    data: "x=y",
    insecure: true,
    ipv4: true,
    resolve: ["a.example:443:192.0.2.1"],
    timeout: 2.5,
    repeat: 3,
    verbose: true,
  });
  assertEquals(parse("check --version a.example"), { kind: "version" });
});

Deno.test("parseCommand() reads --watch of the agent", () => {
  const command = parse("agent --watch");
  assert(command.kind === "run");
  assertEquals(command.options, { ...NO_OPTIONS, watch: true });
});

Deno.test("parseCommand() asks the environment nothing for --help and --version", () => {
  const refuse = () => {
    throw new Error("the environment was read");
  };
  assertEquals(parseCommand(["--help"], refuse), { kind: "help", mode: null });
  assertEquals(parseCommand(["agent", "-h"], refuse), { kind: "help", mode: "agent" });
  assertEquals(parseCommand(["-v"], refuse), { kind: "version" });
});

const WRONG: [line: string, message: string][] = [
  [
    "",
    "No mode is given; it is one of agent, writer, alerts, silence, web, init-schema, maintain, dbdump, restore, replay, report, check, import, check-config",
  ],
  ["agnet", 'Unknown mode "agnet", did you mean "agent"?'],
  [
    "something",
    'Unknown mode "something"; it is one of agent, writer, alerts, silence, web, init-schema, maintain, dbdump, restore, replay, report, check, import, check-config',
  ],
  ["agent writer", 'Unexpected argument "writer"; see --help'],
  ["agent -m writer", 'Two modes are given, "agent" and "writer"'],
  ["agent --confg x", 'Unknown option "--confg", did you mean "--config"?'],
  ["agent --nonsense", 'Unknown option "--nonsense"; see --help'],
  ["agent -c", 'Option "--config" needs a value'],
  ["agent --limit 5", 'Option "--limit" belongs to mode "dbdump"'],
  ["agent --json", 'Option "--json" belongs to mode "check"'],
  ["writer --watch", 'Option "--watch" belongs to mode "agent"'],
  ["check", 'Mode "check" needs a URL, or the name of a site of the config'],
  ["-m check --json", 'Mode "check" needs a URL, or the name of a site of the config'],
  ["check http://a/ -4 -6", 'Only one of the options "-4" and "-6" can be given'],
  ["check http://a/ --repeat 0", 'Option "--repeat" needs a whole number of 1 or more, found "0"'],
  ["check http://a/ --timeout x", 'Option "--timeout" needs a number of seconds, found "x"'],
  ["check http://a/ -X", 'Option "--request" needs a value'],
  ["agent -H a:b", 'Option "--header" belongs to mode "check"'],
  [
    "import gatus",
    'Mode "import" needs blackbox|gatus|kuma|urls FILE ...',
  ],
  ["check-config http://a/", 'Unexpected argument "http://a/"; see --help'],
  ["check-confg", 'Unknown mode "check-confg", did you mean "check-config"?'],
  ["dbdump --limit x", 'Option "--limit" needs a whole number, found "x"'],
  ["dbdump --limit=-1", 'Option "--limit" needs a whole number, found "-1"'],
  [
    "dbdump --since yesterday",
    'Option "--since" needs a time such as 2026-01-31, "2026-01-31 12:00:00" or 7d, found "yesterday"',
  ],
  ["writer --since 1h", 'Option "--since" belongs to mode "dbdump" or "replay"'],
  ["replay a.json", 'Unexpected argument "a.json"; see --help'],
  ["restore a.json b.json", 'Unexpected argument "b.json"; see --help'],
  ["dbdump --limit 1 --tail 1", 'Options "--limit" and "--tail" exclude each other'],
  ["dbdump --tail x", 'Option "--tail" needs a whole number, found "x"'],
  ["dbdump --format xml", 'Option "--format" is one of json, csv, parquet, found "xml"'],
  ["report --format csv", 'Option "--format" is one of text, json, html, found "csv"'],
  ["silence a --for soon", 'Option "--for" needs a time such as 30m, 2h or 7d, found "soon"'],
  ["silence --end last", 'Option "--end" needs a silence\'s number, found "last"'],
  ["agent --log loud", 'Option "--log" is one of pretty, json, found "loud"'],
  ["dbdump --from weekly", 'Option "--from" is one of raw, hourly, daily, monthly, found "weekly"'],
];
for (const [line, message] of WRONG) {
  Deno.test(`parseCommand() refuses "${line}"`, () => {
    assertEquals(assertThrows(() => parse(line), UsageError).message, message);
  });
}

Deno.test("helpText() names every mode, or the one asked for", () => {
  for (const [mode, text] of Object.entries(MODES)) {
    assert(helpText(null).includes(mode) && helpText(null).includes(text));
  }
  assert(helpText("dbdump").includes("--since"));
  assert(!helpText("agent").includes("--since"));
  assert(helpText("agent").includes("--watch") && helpText("agent").includes("SIGHUP"));
  assert(helpText("check").includes("httpmon check URL|SITE"));
  assert(helpText("import").includes("httpmon import blackbox|gatus|kuma|urls FILE ..."));
  assert(helpText("import").includes("what it cannot carry over is listed at its top"));
  assert(helpText("restore").includes("or with -, standard input is read"));
  assert(helpText("check").includes("0 up or degraded, 1 down or unknown"));
});
