import { assertEquals, assertThrows } from "@std/assert";
import { findTarget } from "../../../agent/by_hand/check_target.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
import { site } from "../support.ts";

const { name: _name, url: _url, requestUrl: _asked, ...siteDefaults } = site({ timeoutMs: 7_000 });
const SITES = [
  site({ url: "https://a.test/" }),
  site({ name: "front page", url: "https://b.test/" }),
  site({ name: "twice one", url: "https://c.test/x" }),
  site({ name: "twice two", url: "https://c.test/x" }),
  site({ name: "also", url: "https://a.test" }),
];

function find(target: string, sites = SITES) {
  return findTarget(target, { sites, disabledSites: [], siteDefaults }, "my.yaml");
}

Deno.test("findTarget() finds a site by its name, or by its URL however it is written", () => {
  assertEquals(find("front page"), SITES[1]);
  assertEquals(find("https://a.test/"), SITES[0]);
  assertEquals(find("HTTPS://A.test:443"), SITES[0]);
  assertEquals(find("https://b.test"), SITES[1]);
});

Deno.test("findTarget() gives another URL the config's defaults", () => {
  assertEquals(find("http://other.test/a?b#c"), {
    ...siteDefaults,
    name: null,
    url: "http://other.test/a?b#c",
    requestUrl: "http://other.test/a?b#c",
  });
});

Deno.test("findTarget() asks a bare host by https", () => {
  for (
    const host of [
      "example.org",
      "Example.org/x?y=a b".slice(0, -2),
      "localhost",
      "db:8443",
      "[::1]:8",
    ]
  ) {
    assertEquals(find(host).requestUrl, `https://${host}`);
  }
  assertEquals(find("b.test"), SITES[1]);
});

for (
  const [target, message] of [
    ["front pag", 'No site is named "front pag"; did you mean "front page"?'],
    [
      "nonsense",
      'No site is named "nonsense"; the config has "https://a.test/", "front page", "twice one", ' +
      '"twice two", "also"',
    ],
    [
      "https://c.test/x",
      'The config has 2 sites of this URL; name one of "twice one", "twice two"',
    ],
    [
      "https://me:hunter2@a.test/",
      'Expected a URL without "user:password@", which every result would show (the key "auth" is ' +
      'for credentials), found "https://(hidden)@a.test/"',
    ],
    ["http://", 'Expected a URL with a valid host and port, found "http://"'],
  ] as const
) {
  Deno.test(`findTarget() says what is wrong with ${target.replace("hunter2", "...")}`, () => {
    assertEquals(assertThrows(() => find(target), UsageError).message, message);
  });
}

Deno.test("findTarget() says where it looked for a site, and how many there are", () => {
  assertEquals(
    assertThrows(() => find("front", []), UsageError).message,
    'No site is named "front", as "my.yaml" has no sites or is not there; name a config with -c, ' +
      "or give a URL",
  );
  const many = Array.from({ length: 10 }, (_, i) => site({ name: `number ${i}` }));
  assertEquals(
    assertThrows(() => find("nonsense", many), UsageError).message,
    'No site is named "nonsense"; the config has "number 0", "number 1", "number 2", "number 3", ' +
      '"number 4", "number 5", "number 6", "number 7" and 2 more',
  );
});
