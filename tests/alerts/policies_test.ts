import { assertEquals } from "@std/assert";
import { policies } from "../../alerts/policies.ts";
import { loadedConfig } from "../support/config.ts";

const config = loadedConfig("alerts", {
  alerts: { failure_threshold: 4, channels: {} },
  database: { dsn: "postgres://localhost/none" },
  defaults: { depends_on: ["gateway"] },
  websites: {
    gateway: { url: "https://gateway.example/" },
    "https://shop.example/": {
      timeout: 10,
      frequency: 30,
      retries: { attempts: 3, delay: 5 },
      failure_threshold: 1,
      down_when: "any",
    },
    "https://off.example/": { enabled: false },
  },
});

Deno.test("policies() has each site's own rules, and those of all for the rest", () => {
  const policyOf = policies(config);
  const url = "https://shop.example/";
  assertEquals(policyOf({ name: null, url }), {
    ...{ failureThreshold: 1, successThreshold: 2, downWhen: "any" },
    ...{ isGateway: false, isExpected: true, timeoutMs: 40_000 },
    ...{
      host: "shop.example",
      dependsOn: ["gateway"],
      dependants: [],
      slo: null,
      channels: null,
      labels: {},
    },
  });
  const gateway = policyOf({ name: "gateway", url: "https://gateway.example/" });
  assertEquals([gateway.failureThreshold, gateway.isGateway], [4, true]);
  assertEquals(gateway.dependants, ["https://shop.example/"]);
});

Deno.test("policies() has a site depend on no site of its own name", () => {
  const policyOf = policies(config);
  const gateway = policyOf({ name: "gateway", url: "https://gateway.example/" });
  assertEquals(gateway.dependsOn, []);
});

Deno.test("policies() expects what the config has, or anything where it has no sites", () => {
  const expects = (of: typeof config, name: string | null, url: string) =>
    policies(of)({ name, url }).isExpected;
  assertEquals(expects(config, null, "https://off.example/"), false);
  assertEquals(expects(config, null, "https://other.example/"), false);
  // It was asked at another address before.
  assertEquals(expects(config, "gateway", "https://old.example/"), false);
  const none = { ...config, sites: [] };
  assertEquals(expects(none, null, "https://other.example/"), true);
});
