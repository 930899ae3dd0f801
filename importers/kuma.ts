import { isMap } from "../config/source/raw.ts";
import {
  type Imported,
  labelName,
  quoteRegex,
  said,
  type Settings,
  type Source,
} from "./source.ts";

const KINDS = ["http", "keyword", "json-query"];

/** The monitors of a backup (JSON) of Uptime Kuma become sites. */
export function importKuma(source: Source): Imported["config"] {
  const websites: Record<string, Settings> = {};
  const monitors = source.maps("monitorList");
  const names = new Map(monitors.map((monitor) => [monitor.text("id"), monitor.text("name")]));
  for (const monitor of monitors) {
    const [type = "", name = "unnamed", url = ""] = ["type", "name", "url"].map((key) =>
      monitor.text(key)
    );
    const parent = monitor.text("parent");
    if (type === "group") monitor.loseAll('it is a group: its members have the label "group"');
    else if (!KINDS.includes(type)) monitor.loseAll(`it is of type "${type}", not of http`);
    else {
      const key = websites[name] === undefined ? name : `${name} (${monitor.text("id")})`;
      websites[key] = siteOf(monitor, type, url, parent && names.get(parent));
    }
  }
  source.ignore("version");
  source.loseRest();
  return { websites };
}

function siteOf(monitor: Source, type: string, url: string, group?: string): Settings {
  const keyword = monitor.text("keyword");
  const inverted = monitor.take("invertKeyword") === true;
  const regex = type === "keyword" && keyword !== undefined ? quoteRegex(keyword) : undefined;
  const labels = monitor.maps("tags").map((tag) => [
    labelName(tag.text("name") ?? "tag"),
    tag.text("value") ?? "true",
  ]);
  const statuses = monitor.list("accepted_statuscodes");
  const redirects = monitor.take("maxredirects");
  const [retries, delay] = [monitor.take("maxretries"), monitor.take("retryInterval")];
  const settings = said({
    url,
    method: monitor.text("method"),
    headers: headersOf(monitor),
    body: monitor.text("body"),
    frequency: monitor.take("interval") ?? 60,
    timeout: monitor.take("timeout"),
    valid_status_codes: statuses.length === 0 ? ["200-299"] : statuses,
    ...(regex !== undefined && { [inverted ? "not_regex" : "regex"]: regex }),
    max_redirects: redirects,
    retries: Number(retries) > 0
      ? said({ attempts: Math.min(10, Number(retries) + 1), delay: delay || undefined })
      : undefined,
    // Kuma tells of these days by itself.
    certificate_days_left: monitor.take("expiryNotification") === true ? 14 : undefined,
    enabled: monitor.has("active", false) || monitor.has("active", 0) ? false : undefined,
    tls: said({ insecure: monitor.take("ignoreTls") }),
    auth: authOf(monitor),
    labels: Object.fromEntries(group === undefined ? labels : [["group", group], ...labels]),
  });
  if (type === "json-query") {
    monitor.lose("jsonPath", 'it is JSONata; "json" takes JMESPath');
    monitor.ignore("expectedValue", "jsonPathOperator");
  }
  if (monitor.take("upsideDown") === true) {
    monitor.lose("upsideDown", "a site cannot be expected to be down");
  }
  monitor.ignore(
    "active",
    "weight",
    "path",
    "pathName",
    "childrenIDs",
    "forceInactive",
    "hostname",
  );
  monitor.ignore("httpBodyEncoding", "kafkaProducerSaslOptions", "accepted_statuscodes_json");
  monitor.ignore("includeSensitiveData", "screenshot", "cacheBust", "dns_resolve_type");
  monitor.ignore("dns_resolve_server", "resendInterval", "packetSize", "gamedigGivenPortOnly");
  monitor.loseRest();
  return settings;
}

function headersOf(monitor: Source): unknown {
  const text = monitor.text("headers");
  if (text === undefined) return undefined;
  try {
    const headers: unknown = JSON.parse(text);
    if (isMap(headers)) return headers;
  } catch {
    // Told below.
  }
  monitor.lose("headers", "they are no JSON object");
  return undefined;
}

function authOf(monitor: Source): Settings {
  const method = monitor.text("authMethod");
  const [username, password] = [monitor.text("basic_auth_user"), monitor.text("basic_auth_pass")];
  if (username !== undefined && (method === undefined || method === "basic")) {
    return { basic: { username, password: password ?? "" } };
  }
  if (method === "oauth2-cc") {
    return {
      oauth2: said({
        token_url: monitor.text("oauth_token_url"),
        client_id: monitor.text("oauth_client_id"),
        client_secret: monitor.text("oauth_client_secret"),
        scope: monitor.text("oauth_scopes"),
      }),
    };
  }
  if (method !== undefined) monitor.lose("authMethod", `there is no "${method}"`);
  return {};
}
