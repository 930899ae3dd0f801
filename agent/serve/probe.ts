import { isSecretHeader } from "../../config/say/redact.ts";
import { quote } from "../../config/say/show.ts";
import { type Config, type Site, siteId, type SiteSettings } from "../../config/types.ts";
import { checkUrl, isWebUrl } from "../../config/site/urls.ts";
import type { OpsPage, OpsRequest } from "../../runtime/ops/server.ts";
import type { Checked } from "../check/check.ts";
import { reportOf } from "../by_hand/show/report.ts";
import { PLAIN } from "../by_hand/show/style.ts";
import { expositionOf, linesOf } from "./samples.ts";

const TEXT = "text/plain; charset=utf-8";
const METRICS = "text/plain; version=0.0.4; charset=utf-8";

/** So much of a scrape's time is left for the answer, as blackbox_exporter does by default. */
const MARGIN_MS = 500;

type ProbeConfig = Pick<Config, "sites" | "disabledSites" | "siteDefaults" | "templates">;

/** What is checked, and how. */
export interface ProbeDeps {
  /** As it is now. */
  config: () => ProbeConfig;
  /** Null: the check was cut short. */
  check: (site: Site) => Promise<Checked | null>;
  /** Wall clock, milliseconds since 1970. */
  now: () => number;
}

/**
 * Answers /probe?target=URL[&module=NAME][&debug=true] as blackbox_exporter does. A module is the name
 * of a site or of a template, whose settings are taken; without one they are those of the target's
 * own site, or the defaults. Trouble of the agent's own is a failed scrape (503), no failed probe.
 */
export function probePage(
  { config, check, now }: ProbeDeps,
): (request: OpsRequest) => Promise<OpsPage> {
  let known = new Known(config());
  return async ({ query, headers }) => {
    const target = query.get("target");
    if (!target) return refusal("Target parameter is missing");
    const url = isWebUrl(target) ? target : `http://${target}`;
    const expected = checkUrl(url);
    if (expected !== null) return refusal(`Expected ${expected}, found ${quote(target)}`);
    if (known.config !== config()) known = new Known(config());
    const site = known.siteFor(url, query.get("module"));
    if (site === null) return refusal(`Unknown module ${quote(query.get("module")!)}`);
    const seconds = Number(headers["x-prometheus-scrape-timeout-seconds"]);
    const limitMs = seconds > 0 ? Math.max(1, seconds * 1_000 - MARGIN_MS) : Infinity;
    const one = { ...site, timeoutMs: Math.min(site.timeoutMs, limitMs) };
    const checked = await check(one);
    if (checked === null) {
      return { status: 503, type: TEXT, text: "The agent is starting or stopping\n" };
    }
    const report = () => `${reportOf(one, checked, now(), PLAIN)}\n`;
    if (checked.message.verdict === "unknown") return { status: 503, type: TEXT, text: report() };
    const metrics = expositionOf(linesOf(checked, {}, site.secrets));
    if (query.get("debug") !== "true") return { status: 200, type: METRICS, text: metrics };
    return { status: 200, type: TEXT, text: `${report()}\n${metrics}` };
  };
}

/** A config, its sites found by name and by URL without a search through all of them. */
class Known {
  readonly config: ProbeConfig;
  readonly #byId: Map<string, Site>;
  /** The first of several. */
  readonly #byUrl: Map<string, Site>;

  constructor(config: ProbeConfig) {
    const sites = [...config.sites, ...config.disabledSites];
    this.config = config;
    this.#byId = new Map(sites.map((site) => [siteId(site), site]));
    this.#byUrl = new Map(sites.toReversed().map((site) => [site.requestUrl, site]));
  }

  siteFor(url: string, module: string | null): Site | null {
    const { siteDefaults, templates } = this.config;
    const settingsAt = (settings: SiteSettings): Site => {
      return { ...settings, name: null, url, requestUrl: url };
    };
    if (module === null) {
      const own = this.#byUrl.get(url) ?? this.#byUrl.get(new URL(url).href);
      return own ?? settingsAt(siteDefaults);
    }
    const named = this.#byId.get(module);
    if (named) return settingsAt(isSameOrigin(named.requestUrl, url) ? named : withoutLogin(named));
    if (Object.hasOwn(templates, module)) return settingsAt(templates[module]!);
    if (!Object.hasOwn(BUILT_IN, module)) return null;
    const { request, rules } = siteDefaults;
    return settingsAt({
      ...siteDefaults,
      request: { ...request, method: BUILT_IN[module]! },
      rules: { ...rules, valid_status_codes: [{ from: 200, to: 299 }] },
    });
  }
}

function refusal(text: string): OpsPage {
  return { status: 400, type: TEXT, text: `${text}\n` };
}

/** What blackbox_exporter's own config has. */
const BUILT_IN: Readonly<Record<string, string>> = { http_2xx: "GET", http_post_2xx: "POST" };

function isSameOrigin(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}

/** A site's credentials are for the site alone, whatever a request for metrics names. */
function withoutLogin(site: Site): Site {
  const { request } = site;
  const headers = request.headers.filter(([name]) => !isSecretHeader(name));
  const tls = request.tls && { ...request.tls, cert: null, key: null };
  return { ...site, auth: null, request: { ...request, headers, tls } };
}
