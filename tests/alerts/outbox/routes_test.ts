import { assertEquals } from "@std/assert";
import { routesOf } from "../../../alerts/outbox/routes.ts";
import { loadedConfig } from "../../support/config.ts";

const URL_OF = "https://hooks.example/";
const { alerts } = loadedConfig("alerts", {
  database: { dsn: "postgres://db.example/httpmon" },
  alerts: {
    channels: Object.fromEntries(
      ["pager", "chat", "mail"].map((name) => [name, { type: "slack", url: URL_OF }]),
    ),
    routes: [
      { matchers: ['group="lab"'], channels: ["mail"] },
      { matchers: ["severity=critical"], channels: ["pager"], continue: true },
      { matchers: ["kind!~agent.*", 'host="shop.example"'], channels: ["chat", "pager"] },
    ],
  },
});
const incident = {
  ...{ id: "1", site_id: 1, agent: null, channel: null, opened_at: "", closed_at: null },
  ...{ cause: "", locations: [], evidence: [] },
};

for (
  const [what, changes, told] of [
    ["the first route that matches", { labels: { group: "lab" } }, ["mail"]],
    ["the next one, too, where it says to go on", {}, ["pager", "chat"]],
    ["the last one it came to", { url: "https://other.example/" }, ["pager"]],
    ["all where no route matches", { url: "", severity: "warning" }, ["pager", "chat", "mail"]],
    [
      "all where the incident is an agent's",
      { url: "", kind: "agent_silent", severity: "warning" },
      [
        "pager",
        "chat",
        "mail",
      ],
    ],
    ["those of the site, whatever the routes", { channels: ["chat"] }, ["chat"]],
    ["nobody where the site says so", { channels: [] }, []],
  ] as [string, Record<string, unknown>, string[]][]
) {
  Deno.test(`routesOf() tells ${what}`, () => {
    const { labels = {}, url = "https://shop.example/x", channels = null, ...rest } = changes as {
      labels?: Record<string, string>;
      url?: string;
      channels?: string[] | null;
    };
    const found = { ...incident, kind: "down", severity: "critical", labels, ...rest };
    assertEquals(routesOf(alerts)({ ...found, name: "shop", url, channels, labels }), told);
  });
}
