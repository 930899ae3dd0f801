import type {
  Config,
  DatabaseConfig,
  KafkaConfig,
  Listen,
  Site,
  SiteRules,
} from "../config/types.ts";

/** A name or URL longer than this does not push the other columns to the right. */
const MAX_SITE_WIDTH = 60;

/**
 * What a config makes run, for a person: a line for each part, and one for each site. No secret is in
 * it, nor what may hold one: headers, bodies, user names.
 */
export function configSummary({ sites, kafka, agent, writer, database }: Config): string[] {
  const perSecond = sites.reduce((sum, { frequencyMs }) => sum + 1_000 / frequencyMs, 0);
  return [
    `kafka     ${kafkaSummary(kafka)}`,
    `database  ${database ? placeOf(database) : "none, which writer, init-schema and dbdump need"}`,
    `agent     state in ${agent.stateDir}` +
    (agent.maxConcurrentChecks === null
      ? ""
      : `, at most ${agent.maxConcurrentChecks} checks at a time`) +
    (agent.location === null ? "" : `, location ${agent.location}`) +
    Object.entries(agent.labels).map(([name, value]) => `, ${name}=${value}`).join("") +
    listening(agent.listen),
    `writer    at most ${counted(writer.maxBatchMessages, "result")} in a transaction${
      listening(writer.listen)
    }`,
    sites.length === 0
      ? "sites     none, which an agent needs"
      : `sites     ${sites.length}, ${rounded(perSecond)} checks a second`,
    ...(sites.length === 0 ? [] : ["", ...siteTable(sites)]),
  ];
}

function siteTable(sites: readonly Site[]): string[] {
  const rows = [
    ["site", "every", "timeout", "asked by", "rules"],
    ...sites.map((site) => [
      site.name === null ? site.url : `${site.name} (${site.url})`,
      seconds(site.frequencyMs),
      seconds(site.timeoutMs),
      requestSummary(site),
      rulesSummary(site),
    ]),
  ];
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => Math.min(row[column]!.length, MAX_SITE_WIDTH)))
  );
  return rows.map((row) =>
    "  " + row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()
  );
}

/** "GET", "POST by fetch, auth basic". */
function requestSummary({ client, request, auth }: Site): string {
  return [
    client === "fetch" ? `${request.method} by fetch` : request.method,
    request.headers.length > 0 && counted(request.headers.length, "header"),
    request.body && `body of ${request.body.length} B`,
    auth && `auth ${auth.kind}`,
    !request.followRedirects && "no redirects",
    request.ipVersion !== "auto" && `IPv${request.ipVersion}`,
    Object.keys(request.resolve).length > 0 && "resolve",
    request.proxy !== null && "proxy",
    request.reuseConnection && "reuse",
    request.tls && (request.tls.insecure ? "tls, insecure" : "tls"),
  ].filter((part) => typeof part === "string").join(", ");
}

/** The rules by the names of their keys: "status 200-299, regex, 2 json"; then what only marks. */
function rulesSummary({ rules, maintenance, evidence }: Site): string {
  return [
    `status ${statuses(rules)}`,
    rules.minBodyBytes !== null && `body >= ${rules.minBodyBytes} B`,
    rules.maxBodyBytes !== null && `body <= ${rules.maxBodyBytes} B`,
    rules.regex.length > 0 && counted(rules.regex.length, "regex", "regex"),
    rules.notRegex.length > 0 && counted(rules.notRegex.length, "not_regex", "not_regex"),
    rules.headers.length > 0 && counted(rules.headers.length, "response header"),
    rules.json.length > 0 && counted(rules.json.length, "json value"),
    rules.maxResponseTimeMs !== null && `<= ${rules.maxResponseTimeMs} ms`,
    rules.certificateDaysLeft !== null && `degraded below ${rules.certificateDaysLeft} days left`,
    rules.degradedResponseTimeMs !== null && `degraded above ${rules.degradedResponseTimeMs} ms`,
    maintenance.length > 0 && counted(maintenance.length, "maintenance"),
    !evidence && "no evidence",
  ].filter((part) => typeof part === "string").join(", ");
}

function statuses({ validStatusCodes }: SiteRules): string {
  return validStatusCodes.map(({ from, to }) => from === to ? from : `${from}-${to}`).join(" ");
}

function kafkaSummary(kafka: KafkaConfig): string {
  return [
    kafka.bootstrapServers.join(" "),
    `topic ${kafka.topic}`,
    `group ${kafka.consumerGroup}`,
    `acks ${kafka.acks === -1 ? "all" : kafka.acks}`,
    kafka.tls ? (kafka.tls.cert === null ? "TLS" : "mutual TLS") : "no TLS",
    kafka.sasl ? `SASL ${kafka.sasl.mechanism}` : "no login",
  ].join(", ");
}

/** Host and database of a DSN, as far as they can be told for sure; nothing else of it. */
function placeOf({ dsn }: DatabaseConfig): string {
  const { host, dbname } = /^postgres(?:ql)?:/i.test(dsn) ? partsOfUrl(dsn) : partsOfPairs(dsn);
  return [
    host ? `at ${host}` : "where the DSN says",
    ...(dbname ? [`database ${dbname}`] : []),
  ].join(", ");
}

function partsOfUrl(dsn: string): { host?: string; dbname?: string } {
  const url = URL.parse(dsn);
  // A password with "/" in it ends the host too early; what seems a path is then a part of it.
  if (!url || (dsn.includes("@") && url.username === "")) return {};
  return { host: url.host, dbname: url.pathname.slice(1) };
}

/** "host=... dbname=...", values in single quotes where they have spaces. */
function partsOfPairs(dsn: string): { host?: string; dbname?: string } {
  const pairs = dsn.matchAll(/(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))/g);
  return Object.fromEntries([...pairs].map(([, key, quoted, plain]) => [key, quoted ?? plain]));
}

function listening(listen: Listen | null): string {
  if (listen === null) return "";
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  return `, serves ${host}:${listen.port}`;
}

function counted(count: number, what: string, several = `${what}s`): string {
  return `${count} ${count === 1 ? what : several}`;
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}

/** Three digits. */
function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
