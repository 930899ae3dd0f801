import { isMap } from "../config/source/raw.ts";
import { type Imported, said, seconds, type Settings, type Source, wholeText } from "./source.ts";

/**
 * blackbox_exporter's modules become templates; of a Prometheus config, the targets of the jobs that
 * scrape it become sites that use them.
 */
export function importBlackbox(source: Source): Imported["config"] {
  const templates: Record<string, Settings | null> = {};
  for (const [name, module] of source.entries("modules")) {
    const prober = module.text("prober");
    templates[name] = prober === "http" ? templateOf(module) : null;
    if (prober !== "http") {
      module.loseAll(`its prober is ${prober}, and only http is checked here`);
    }
  }
  const websites: Record<string, Settings> = {};
  const global = source.map("global");
  const usual = {
    interval: global.take("scrape_interval"),
    timeout: global.take("scrape_timeout"),
  };
  for (const job of source.maps("scrape_configs")) addTargets(job, usual, websites, templates);
  global.loseRest();
  source.loseRest();
  const ofHttp = Object.entries(templates).flatMap(([name, one]) => one ? [[name, one]] : []);
  return { websites, templates: Object.fromEntries(ofHttp) };
}

/** What the exporter's own blackbox.yml has. */
const BUILT_IN: Readonly<Record<string, Settings>> = {
  http_2xx: { valid_status_codes: ["2xx"] },
  http_post_2xx: { valid_status_codes: ["2xx"], method: "POST" },
};

function templateOf(module: Source): Settings {
  const http = module.map("http");
  const timeout = module.take("timeout");
  const settings = said({
    timeout: timeout === undefined ? undefined : seconds(timeout) ?? timeout,
    valid_status_codes: statuses(http.list("valid_status_codes")),
    method: http.text("method"),
    headers: http.take("headers"),
    body: http.text("body"),
    body_file: http.text("body_file"),
    follow_redirects: followsRedirects(http),
    regex: http.list("fail_if_body_not_matches_regexp").map(wholeText),
    not_regex: http.list("fail_if_body_matches_regexp").map(wholeText),
    response_headers: headerRules(http),
    max_body_bytes: bytes(http.take("body_size_limit")),
    proxy: http.text("proxy_url"),
    ip_version: ipVersion(http),
    tls: tlsOf(http.map("tls_config")),
    auth: authOf(http),
  });
  http.loseRest();
  module.loseRest();
  return settings;
}

function statuses(given: unknown[]): unknown[] {
  return given.length === 0 ? ["2xx"] : given;
}

function followsRedirects(http: Source): boolean | undefined {
  // False is what take() calls nothing, so that the key is looked for by its name.
  if (http.has("follow_redirects", false) || http.take("no_follow_redirects") === true) {
    return false;
  }
  http.ignore("follow_redirects");
  return undefined;
}

function headerRules(http: Source): Settings {
  const rules: Record<string, Settings> = {};
  for (
    const [key, ours] of [
      ["fail_if_header_not_matches", "regex"],
      ["fail_if_header_matches", "not_regex"],
    ] as const
  ) {
    for (const rule of http.maps(key)) {
      const [name, regex] = [rule.text("header"), rule.text("regexp")];
      const mayBeMissing = rule.take("allow_missing") === true;
      if (rules[name!]?.[ours] !== undefined) rule.loseAll("a header has one such rule here");
      else {
        // Ours fails for a header that is not there by "regex" alone, and then always.
        const isThere = ours === "not_regex" && !mayBeMissing ? { regex: "" } : {};
        rules[name!] = { ...isThere, ...rules[name!], [ours]: wholeText(regex) };
        if (ours === "regex" && mayBeMissing) {
          rule.lose("allow_missing", "a header that must match must be there");
        }
      }
      rule.loseRest();
    }
  }
  return rules;
}

function ipVersion(http: Source): number | undefined {
  const preferred = http.text("preferred_ip_protocol");
  const version = preferred === "ip4" ? 4 : preferred === "ip6" ? 6 : undefined;
  if (http.has("ip_protocol_fallback", false)) return version;
  http.ignore("ip_protocol_fallback");
  if (version === 4) http.lose("preferred_ip_protocol", "both are tried, in the resolver's order");
  return undefined;
}

function tlsOf(tls: Source): Settings {
  const settings = said({
    insecure: tls.take("insecure_skip_verify"),
    ca_file: tls.text("ca_file"),
    cert_file: tls.text("cert_file"),
    key_file: tls.text("key_file"),
    server_name: tls.text("server_name"),
  });
  tls.loseRest();
  return settings;
}

function authOf(http: Source): Settings {
  const basic = http.map("basic_auth");
  const username = basic.text("username");
  const given = http.map("authorization");
  const oauth2 = http.map("oauth2");
  const tokenUrl = oauth2.text("token_url");
  const token = http.text("bearer_token") ?? given.text("credentials");
  const tokenFile = http.text("bearer_token_file") ?? given.text("credentials_file");
  const type = given.text("type");
  if (type !== undefined && type.toLowerCase() !== "bearer") {
    given.lose("type", 'only "Bearer" is sent; another goes into "headers"');
  }
  const auth = said({
    basic: username === undefined ? undefined : said({
      username,
      password: basic.text("password") ?? (basic.has("password_file") ? undefined : ""),
      password_file: basic.text("password_file"),
    }),
    bearer: token,
    bearer_file: tokenFile,
    oauth2: tokenUrl === undefined ? undefined : said({
      token_url: tokenUrl,
      client_id: oauth2.text("client_id"),
      client_secret: oauth2.text("client_secret"),
      client_secret_file: oauth2.text("client_secret_file"),
      scope: oauth2.list("scopes").join(" ") || undefined,
    }),
  });
  for (const map of [basic, given, oauth2]) map.loseRest();
  return auth;
}

/** Bytes of "10MB" and the like, which stand for powers of 1024. */
function bytes(size: unknown): number | undefined {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)\s*([KMG]?)i?B?$/i.exec(String(size)) ?? [];
  const power = ["", "K", "M", "G"].indexOf(unit.toUpperCase());
  return count === undefined || Number(count) === 0
    ? undefined
    : Math.round(Number(count) * 1024 ** power);
}

/**
 * The sites of a Prometheus job that scrapes a blackbox_exporter.
 *
 * @param usual What the job does not say
 * @param templates By module; null: not of HTTP
 */
function addTargets(
  job: Source,
  usual: { interval: unknown; timeout: unknown },
  websites: Record<string, Settings>,
  templates: Record<string, Settings | null>,
): void {
  const name = job.text("job_name");
  if (job.text("metrics_path") !== "/probe") {
    return job.loseAll('its "metrics_path" is not "/probe"');
  }
  const params = job.map("params");
  const [module = "http_2xx"] = params.list("module").map(String);
  if (templates[module] === null) return job.loseAll(`its module "${module}" is none of HTTP`);
  if (!templates[module] && !Object.hasOwn(BUILT_IN, module)) {
    const why = "is taken for a GET, as its settings are in another file; give that one, too";
    params.lose("module", `"${module}" ${why}`);
  }
  params.loseRest();
  const interval = job.take("scrape_interval") ?? usual.interval;
  const template = templates[module] ??= BUILT_IN[module] ?? BUILT_IN.http_2xx!;
  // A module without one has as long as the scrape, which is 10 s where nobody says.
  const scrape = job.take("scrape_timeout") ?? usual.timeout ?? 10;
  const timeout = template.timeout === undefined ? seconds(scrape) ?? scrape : undefined;
  for (const group of job.maps("static_configs")) {
    const labels = group.take("labels");
    for (const target of group.list("targets").map(String)) {
      const url = /^https?:\/\//i.test(target) ? target : `http://${target}`;
      websites[websites[url] === undefined ? url : `${name}: ${url}`] = said({
        url: websites[url] === undefined ? undefined : url,
        use: module,
        frequency: interval === undefined ? undefined : seconds(interval) ?? interval,
        timeout,
        labels: { ...(isMap(labels) ? labels : {}), job: name },
      });
    }
    group.loseRest();
  }
  // It leads to the exporter, and gives what "labels" and the URL say here.
  job.ignore("relabel_configs");
  job.loseRest();
}
