import type { Config, DatabaseConfig, KafkaConfig, Listen, Site } from "../config/types.ts";
import { rulesOf } from "./rules/index.ts";
import { counted } from "./rules/rule.ts";

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
    `agent     state in ${agent.stateDir}, at most ${agent.maxConcurrentChecks} checks at a time` +
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
    ...rulesOf(rules).map(({ rule, value }) => rule.summary(value)),
    maintenance.length > 0 && counted(maintenance.length, "maintenance"),
    !evidence && "no evidence",
  ].filter((part) => typeof part === "string").join(", ");
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

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}

/** Three digits. */
function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
