import { setImmediate } from "node:timers";
import type { Secret } from "../../config/source/outside.ts";
import { type Site, siteId } from "../../config/types.ts";
import type { Checked } from "../check/check.ts";
import { hideSecrets } from "../evidence/scrub.ts";
import { headerValue } from "../rules/response_headers.ts";

type Labels = Readonly<Record<string, string>>;

/** The metrics of blackbox_exporter's prober "http", by its names and with its meanings. */
const HELP = {
  probe_success: "Displays whether or not the probe was a success",
  probe_duration_seconds: "Returns how long the probe took to complete in seconds",
  probe_dns_lookup_time_seconds: "Returns the time taken for probe dns lookup in seconds",
  probe_ip_protocol: "Specifies whether probe ip protocol is IP4 or IP6",
  probe_ip_addr_hash: "Specifies the hash of IP address, to see when it changes",
  probe_failed_due_to_regex: "Indicates if probe failed due to regex",
  probe_http_status_code: "Response HTTP status code",
  probe_http_version: "Returns the version of HTTP of the probe response",
  probe_http_ssl: "Indicates if SSL was used for the final redirect",
  probe_http_redirects: "The number of redirects",
  probe_http_content_length: "Length of http content response",
  probe_http_uncompressed_body_length: "Length of uncompressed response body",
  probe_http_last_modified_timestamp_seconds:
    "Returns the Last-Modified HTTP response header in unixtime",
  probe_http_duration_seconds: "Duration of the last http request by phase",
  probe_ssl_earliest_cert_expiry: "Returns earliest SSL cert expiry in unixtime",
  probe_ssl_last_chain_expiry_timestamp_seconds: "Returns last SSL chain expiry in unixtime",
  probe_ssl_last_chain_info: "Contains SSL leaf certificate information",
  probe_tls_version_info: "Contains the TLS version used",
  probe_tls_cipher_info: "Contains the TLS cipher used",
} as const;

type Name = keyof typeof HELP;

/** The outcomes that stand for a regex of blackbox_exporter's config. */
const REGEX_RULES: ReadonlySet<string> = new Set(["regex", "not_regex", "response_headers"]);

/**
 * What blackbox_exporter would say of a check, in Prometheus's text format (version 0.0.4): the lines
 * of each metric.
 *
 * @param labels Go with each
 * @param secrets Of the site: its certificate may name a host that came from outside
 */
export function linesOf(
  { message, record, outcomes }: Checked,
  labels: Labels = {},
  secrets: readonly Secret[] = [],
): Map<Name, string> {
  const { phases, tls = null, remoteAddress, headers, hops } = record;
  const lines = new Map<Name, string>();
  const add = (name: Name, value: number | null | undefined, more: Labels = {}) => {
    if (value === null || value === undefined || Number.isNaN(value)) return;
    const pairs = Object.entries({ ...labels, ...more })
      .map(([key, text]) => `${key}="${escaped(text)}"`);
    const line = `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}\n`;
    lines.set(name, (lines.get(name) ?? "") + line);
  };
  const isUp = message.verdict === "up" || message.verdict === "degraded";
  const length = headerValue(headers, "content-length");
  const [leaf] = tls?.chain ?? [];
  const hide = (text: string) => hideSecrets(text, secrets);
  add("probe_success", Number(isUp));
  add("probe_duration_seconds", record.ms / 1_000);
  add("probe_dns_lookup_time_seconds", phases && phases.dns / 1_000);
  add("probe_ip_protocol", remoteAddress === null ? null : remoteAddress.includes(":") ? 6 : 4);
  add("probe_ip_addr_hash", remoteAddress === null ? null : fnv1a(remoteAddress));
  add(
    "probe_failed_due_to_regex",
    Number(outcomes.some(({ rule, ok }) => !ok && REGEX_RULES.has(rule))),
  );
  add("probe_http_status_code", record.status ?? 0);
  add("probe_http_version", Number(record.httpVersion ?? 0));
  add("probe_http_ssl", Number(/^https:/i.test(hops.at(-1)?.url ?? "")));
  add("probe_http_redirects", Math.max(0, hops.length - 1));
  add("probe_http_content_length", record.status === null ? 0 : Number(length ?? -1));
  add("probe_http_uncompressed_body_length", record.body.length);
  add(
    "probe_http_last_modified_timestamp_seconds",
    Date.parse(headerValue(headers, "last-modified") ?? "") / 1_000,
  );
  const byPhase = phases && {
    resolve: phases.dns,
    connect: phases.connect,
    tls: phases.tls,
    processing: phases.firstByte,
    transfer: phases.download,
  };
  for (const [phase, ms] of Object.entries(byPhase ?? {})) {
    add("probe_http_duration_seconds", ms / 1_000, { phase });
  }
  const expiry = tls?.earliestExpiry && tls.earliestExpiry / 1_000;
  add("probe_ssl_earliest_cert_expiry", expiry);
  add("probe_ssl_last_chain_expiry_timestamp_seconds", expiry);
  if (leaf) {
    add("probe_ssl_last_chain_info", 1, {
      fingerprint_sha256: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
      issuer: hide(leaf.issuer),
      serialnumber: leaf.serial.toLowerCase(),
      subject: hide(leaf.subject),
      subjectalternative: hide(leaf.names.map((name) => name.replace(/^[\w ]+:/, "")).join(",")),
    });
  }
  if (tls?.protocol) add("probe_tls_version_info", 1, { version: tls.protocol.replace("v", " ") });
  if (tls?.cipher) add("probe_tls_cipher_info", 1, { cipher: tls.cipher });
  return lines;
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** All of the text. */
export function expositionOf(lines: ReadonlyMap<Name, string>): string {
  return [...lines].map(([name, text]) => headOf(name) + text).join("");
}

/** What stands once before a metric's lines. */
function headOf(name: Name): string {
  return `# HELP ${name} ${HELP[name]}\n# TYPE ${name} gauge\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replace(/[\r\n]+/g, "\\n");
}

/**
 * The last check of each site as metrics of blackbox_exporter's names, for `agent.metrics_per_site`.
 * `instance` is the site's URL, as it is for who scrapes by /probe; a job that takes it over has
 * "honor_labels: true".
 */
export class PerSiteMetrics {
  /** Lines by the site, then by the metric. */
  readonly #lines = new Map<string, Map<string, string>>();

  /** Takes a check; one whose verdict is unknown says nothing of its site, which is then left out. */
  record(site: Site, checked: Checked): void {
    const id = siteId(site);
    if (checked.message.verdict === "unknown") return void this.#lines.delete(id);
    const labels = { instance: site.url, ...(site.name !== null && { site: site.name }) };
    this.#lines.set(id, linesOf(checked, labels, site.secrets));
  }

  /** Forgets sites that are not among these. */
  keepOnly(sites: readonly Site[]): void {
    const ids = new Set(sites.map(siteId));
    for (const id of this.#lines.keys()) if (!ids.has(id)) this.#lines.delete(id);
  }

  /** Prometheus's text format. A metric at a time, so that nothing else waits for 10,000 sites. */
  async text(): Promise<string> {
    const texts: string[] = [];
    for (const name of Object.keys(HELP) as Name[]) {
      const lines = [...this.#lines.values()].flatMap((ofSite) => ofSite.get(name) ?? []);
      if (lines.length > 0) texts.push(headOf(name), ...lines);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return texts.join("");
  }
}
