import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parse } from "@std/yaml";
import { fileURLToPath } from "node:url";
import { configSummary } from "../../agent/by_hand/config_summary.ts";
import { importText } from "../../importers/mode.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { loadText } from "../config/load_text.ts";
import { httpmon } from "../db/run_mode.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/importers/", import.meta.url));

/** The config that is made of a fixture, and what is not in it. */
function imported(kind: string, file: string) {
  const { yaml, lost } = importText(kind, Deno.readTextFileSync(FIXTURES + file));
  for (const line of lost) assertStringIncludes(yaml, `# ${line}\n`);
  return { config: parse(yaml) as unknown, lost, yaml };
}

Deno.test("importText() makes templates of blackbox_exporter's modules, sites of its jobs", () => {
  const { config, lost } = imported("blackbox", "blackbox.yml");
  assertEquals(config, {
    templates: {
      http_2xx_example: {
        timeout: 5,
        valid_status_codes: ["2xx"],
        method: "GET",
        headers: {
          Host: "vhost.example.com",
          "Accept-Language": "en-US",
          Origin: "example.com",
        },
        regex: ["(?-m)^Download the latest version here"],
        not_regex: ["(?-m)Could not connect to database $${5}"],
        response_headers: {
          "Access-Control-Allow-Origin": { regex: "(\\*|example\\.com)" },
          "Set-Cookie": { not_regex: ".*" },
        },
        ip_version: 4,
      },
      http_basic_auth_example: {
        timeout: 90,
        valid_status_codes: [200, 204],
        method: "POST",
        body: "{}",
        follow_redirects: false,
        max_body_bytes: 10_485_760,
        auth: { basic: { username: "username", password: "mysecret" } },
      },
      http_2xx: { valid_status_codes: ["2xx"] },
    },
    websites: {
      "http://prometheus.io": {
        use: "http_2xx",
        frequency: 30,
        timeout: 10,
        labels: { team: "web", job: "blackbox" },
      },
      "http://example.com:8080": {
        use: "http_2xx",
        frequency: 30,
        timeout: 10,
        labels: { team: "web", job: "blackbox" },
      },
    },
  });
  assertEquals(lost, [
    "modules.http_2xx_example.http.valid_http_versions: nothing here stands for it",
    "modules.http_2xx_example.http.fail_if_not_ssl: nothing here stands for it",
    "modules.tls_connect: its prober is tcp, and only http is checked here",
    'scrape_configs[1]: its "metrics_path" is not "/probe"',
  ]);
});

Deno.test("importText() takes modules and jobs from files of their own, and what is said for all jobs", () => {
  const modules = "modules: {post: {prober: http, http: {method: POST}}, ping: {prober: icmp}}";
  const job = (name: string, module: string) =>
    `{job_name: ${name}, metrics_path: /probe, params: {module: [${module}]},` +
    ` static_configs: [{targets: [http://${name}.test/]}]}`;
  const jobs = "global: {scrape_interval: 15s, scrape_timeout: 8s}\n" +
    `scrape_configs: [${job("a", "post")}, ${job("b", "ping")}, ${job("c", "http_post_2xx")}]`;
  const site = (use: string, job: string) => ({ use, frequency: 15, timeout: 8, labels: { job } });
  const { yaml, lost } = importText("blackbox", modules, jobs);
  assertEquals(parse(yaml) as unknown, {
    templates: {
      post: { valid_status_codes: ["2xx"], method: "POST" },
      http_post_2xx: { valid_status_codes: ["2xx"], method: "POST" },
    },
    websites: {
      "http://a.test/": site("post", "a"),
      "http://c.test/": site("http_post_2xx", "c"),
    },
  });
  assertEquals(lost, [
    "modules.ping: its prober is icmp, and only http is checked here",
    'scrape_configs[1]: its module "ping" is none of HTTP',
  ]);
  const alone = importText("blackbox", jobs);
  assertEquals(alone.lost, [
    'scrape_configs[0].params.module: "post" is taken for a GET, as its settings are in another file; give that one, too',
    'scrape_configs[1].params.module: "ping" is taken for a GET, as its settings are in another file; give that one, too',
  ]);
});

Deno.test("importText() makes sites of Gatus' endpoints, and rules of their conditions", () => {
  const { config, lost, yaml } = imported("gatus", "gatus.yaml");
  assertEquals(config, {
    websites: {
      "front-end": {
        url: "https://twin.sh/health",
        headers: { Authorization: "Bearer ${TOKEN}" },
        frequency: 300,
        timeout: 10,
        valid_status_codes: [200],
        json: { status: { equals: "UP" } },
        max_response_time_ms: 150,
        labels: { group: "core" },
      },
      "back-end": {
        url: "https://example.org/",
        frequency: 90,
        timeout: 3,
        enabled: false,
        valid_status_codes: [200],
        certificate_days_left: 2,
        regex: ["<h1>Example Domain</h1>"],
        json: {
          'length(data[0]."user-names") >= `2`': { equals: true },
          "errors != `null`": { equals: false },
          "count > `3`": { equals: true },
        },
        follow_redirects: false,
        tls: { insecure: true },
        labels: { group: "core", environment: "staging" },
      },
      "other/front-end": {
        url: "http://example.org/",
        frequency: 60,
        timeout: 10,
        valid_status_codes: ["100-599"],
        labels: { group: "other" },
      },
    },
  });
  assertEquals(lost, [
    "endpoints[0].alerts: nothing here stands for it",
    'endpoints[1].conditions[7]: no rule stands for "[IP] == 127.0.0.1"',
    'endpoints[3]: only http and https are checked, not "8.8.8.8"',
    "metrics: nothing here stands for it",
  ]);
  // As a person goes on: it loads, and says what would run.
  const summary = configSummary(loadText(yaml, { env: { TOKEN: "t0ken-value" } })).join("\n");
  assertStringIncludes(summary, "sites     2,");
  assertStringIncludes(summary, 'disabled  "back-end"');
});

Deno.test("importText() makes sites of Uptime Kuma's monitors", () => {
  const { config, lost } = imported("kuma", "kuma.json");
  assertEquals(config, {
    websites: {
      "front page": {
        url: "https://example.com/",
        method: "GET",
        headers: { "X-Team": "web $${x}" },
        frequency: 30,
        timeout: 48,
        valid_status_codes: ["200-299"],
        regex: "Example \\(Domain\\)",
        max_redirects: 10,
        retries: { attempts: 3, delay: 60 },
        certificate_days_left: 14,
        auth: { basic: { username: "me", password: "secret" } },
        labels: { group: "Shop", env_type: "prod" },
      },
      "front page (3)": {
        url: "https://example.com/api",
        frequency: 60,
        valid_status_codes: ["200-299"],
        enabled: false,
      },
    },
  });
  assertEquals(lost, [
    'monitorList[0]: it is a group: its members have the label "group"',
    "monitorList[1].notificationIDList: nothing here stands for it",
    'monitorList[2].jsonPath: it is JSONata; "json" takes JMESPath',
    'monitorList[3]: it is of type "ping", not of http',
    "notificationList: nothing here stands for it",
  ]);
});

Deno.test("importText() makes sites of URLs, a line each, and says what it left out without secrets", () => {
  const { config, lost } = imported("urls", "urls.txt");
  assertEquals(config, {
    websites: { "https://example.com/": {}, "https://example.org/status": {} },
  });
  assertEquals(lost, [
    "line 4: the URL is there already",
    "line 5: only http and https are checked",
    'line 6: expected a URL without "user:password@", which every result would show (the key ' +
    '"auth" is for credentials)',
  ]);
});

/** What a site, or a module, with these keys becomes, and what of it is lost. */
const KEYS: Record<string, {
  of: (keys: object) => object;
  cases: [keys: object, settings: object, lost?: string[]][];
}> = {
  gatus: {
    of: (keys) => ({ endpoints: [{ name: "a", url: "https://a.example/", ...keys }] }),
    cases: [
      [
        {
          client: {
            oauth2: {
              ...{ "token-url": "https://id.example/t", "client-id": "me", "client-secret": "s" },
              scopes: ["one", "two"],
            },
          },
        },
        {
          auth: {
            oauth2: {
              ...{ token_url: "https://id.example/t", client_id: "me", client_secret: "s" },
              scope: "one two",
            },
          },
        },
      ],
      [{ conditions: ["[STATUS] == any(200, 204)", "[STATUS] >= 204"] }, {
        valid_status_codes: [204],
      }],
      [{ conditions: ["[STATUS] != 500", "[STATUS] < 502", "[STATUS] <= 501"] }, {
        valid_status_codes: ["100-499", 501],
      }],
      [{ conditions: ["[BODY] == ok.", "[BODY] != pat(*error*)"] }, {
        regex: ["\\Aok\\.\\z"],
        not_regex: ["error"],
      }],
      [{ conditions: ["[BODY].name == pat(a*)", "len([BODY]) > 0", "[BODY].n == 1"] }, {
        json: {
          name: { matches: "\\Aa" },
          "length(@) > `0`": { equals: true },
          n: { equals: 1 },
        },
      }],
      ...[
        "up",
        "[STATUS] == ok",
        "[RESPONSE_TIME] > 500",
        "[CERTIFICATE_EXPIRATION] < 48h",
        "[CERTIFICATE_EXPIRATION] > soon",
        "[BODY] == any(a, b)",
        "[BODY].name != pat(a*)",
        "[BODY].name == any(a, b)",
        "[CONNECTED] == false",
      ].map((condition): [object, object, string[]] => [{ conditions: [condition] }, {}, [
        `endpoints[0].conditions[0]: no rule stands for "${condition}"`,
      ]]),
      [{ conditions: ["[BODY].a == 1", "[BODY].a == 2"] }, { json: { a: { equals: 1 } } }, [
        'endpoints[0].conditions[1]: no rule stands for "[BODY].a == 2"',
      ]],
      [{ client: "x" }, {}, ["endpoints[0].client: it is no map"]],
    ],
  },
  kuma: {
    of: (keys) => ({
      monitorList: [{ name: "a", type: "http", url: "https://a.example/", ...keys }],
    }),
    cases: [
      [
        {
          ...{ authMethod: "oauth2-cc", oauth_token_url: "https://id.example/t" },
          ...{ oauth_client_id: "me", oauth_client_secret: "s", oauth_scopes: "one" },
        },
        {
          auth: {
            oauth2: {
              ...{ token_url: "https://id.example/t", client_id: "me", client_secret: "s" },
              scope: "one",
            },
          },
        },
      ],
      [{ authMethod: "ntlm", basic_auth_user: "me", basic_auth_pass: "s" }, {}, [
        'monitorList[0].authMethod: there is no "ntlm"',
      ]],
      [{ upsideDown: true }, {}, [
        "monitorList[0].upsideDown: a site cannot be expected to be down",
      ]],
      ...["[1]", "{"].map((headers): [object, object, string[]] => [{ headers }, {}, [
        "monitorList[0].headers: they are no JSON object",
      ]]),
      [{ type: "keyword", keyword: "error", invertKeyword: true }, { not_regex: "error" }],
      [{ tags: [{ name: "24/7" }] }, { labels: { _24_7: "true" } }],
    ],
  },
  blackbox: {
    of: (http) => ({ modules: { a: { prober: "http", http } } }),
    cases: [
      [
        {
          oauth2: {
            ...{ token_url: "https://id.example/t", client_id: "me", client_secret_file: "/s" },
            scopes: ["one", "two"],
          },
        },
        {
          auth: {
            oauth2: {
              ...{ token_url: "https://id.example/t", client_id: "me", client_secret_file: "/s" },
              scope: "one two",
            },
          },
        },
      ],
      [{ basic_auth: { username: "me", password_file: "/s" } }, {
        auth: { basic: { username: "me", password_file: "/s" } },
      }],
      [{ bearer_token_file: "/s" }, { auth: { bearer_file: "/s" } }],
      [{ authorization: { type: "Token", credentials: "t" } }, { auth: { bearer: "t" } }, [
        'modules.a.http.authorization.type: only "Bearer" is sent; another goes into "headers"',
      ]],
      [{ preferred_ip_protocol: "ip4" }, {}, [
        "modules.a.http.preferred_ip_protocol: both are tried, in the resolver's order",
      ]],
      [{ preferred_ip_protocol: "ip6", ip_protocol_fallback: false }, { ip_version: 6 }],
      [
        {
          fail_if_header_not_matches: [
            { header: "Server", regexp: "^a$", allow_missing: true },
            { header: "Server", regexp: "b" },
          ],
          fail_if_header_matches: [{ header: "Via", regexp: "x" }],
        },
        { response_headers: { Server: { regex: "(?-m)^a$" }, Via: { regex: "", not_regex: "x" } } },
        [
          "modules.a.http.fail_if_header_not_matches[0].allow_missing: a header that must match must be there",
          "modules.a.http.fail_if_header_not_matches[1]: a header has one such rule here",
        ],
      ],
    ],
  },
};
for (const [kind, { of, cases }] of Object.entries(KEYS)) {
  Deno.test(`importText() carries over what there is of ${kind}'s rarer keys, and lists the rest`, () => {
    const site = (keys: object) => {
      const { yaml, lost } = importText(kind, JSON.stringify(of(keys)));
      const { websites, templates } = parse(yaml) as Record<string, Record<string, object>>;
      return [(templates?.a ?? websites!.a)!, lost] as const;
    };
    const [usual] = site({});
    for (const [keys, settings, lost = []] of cases) {
      assertEquals(site(keys), [{ ...usual, ...settings }, lost], JSON.stringify(keys));
    }
  });
}

Deno.test("httpmon import prints the config, tells what it left out, and refuses a file that is not there", async () => {
  const run = (file: string) => httpmon("", ["import", "urls", FIXTURES + file]);
  const { yaml, lost } = imported("urls", "urls.txt");
  assertEquals(await run("urls.txt"), {
    code: 0,
    stdout: yaml,
    stderr: lost.map((line) => `httpmon: Not carried over: ${line}\n`).join(""),
  });
  assertEquals(await run("no.txt"), {
    code: 2,
    stdout: "",
    stderr: `httpmon: "${FIXTURES}no.txt" cannot be read (ENOENT)\n`,
  });
});

Deno.test("importText() says what our own config would refuse", () => {
  const { lost } = importText(
    "gatus",
    "endpoints: [{name: a, url: https://a.example/, interval: 100ms, conditions: ['[STATUS] > 599']}]",
  );
  assertEquals(lost, [
    'endpoints[0].conditions[0]: no rule stands for "[STATUS] > 599"',
    "websites.a.frequency has to be mended: expected a number from 1 to 604800 (seconds between the " +
    "starts of two checks), found 0.1",
  ]);
});

Deno.test("importText() refuses a kind that it does not know, and what is no map", () => {
  const refused = (kind: string, text: string) =>
    assertThrows(() => importText(kind, text), UsageError).message;
  assertEquals(
    refused("nagios", ""),
    '"nagios" cannot be imported; it is one of blackbox, gatus, kuma, urls',
  );
  assertEquals(refused("kuma", "[]"), "The file has no map of keys at its top");
  assertStringIncludes(refused("gatus", "a: [b"), "The file is not YAML: ");
});
