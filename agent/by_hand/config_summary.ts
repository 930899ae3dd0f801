import { quote } from "../../config/say/show.ts";
import {
  type AgentConfig,
  type Config,
  type KafkaConfig,
  type Listen,
  type Site,
  siteId,
} from "../../config/types.ts";
import { dsnProblem, parseDsn } from "../../runtime/dsn.ts";
import { hostPort } from "../../runtime/host_port.ts";
import { hideSecrets } from "../evidence/scrub.ts";
import { rulesOf } from "../rules/index.ts";
import { counted } from "../rules/rule.ts";

/** A name or URL longer than this does not push the other columns to the right. */
const MAX_SITE_WIDTH = 60;

/**
 * What a config makes run, for a person: a line for each part, and one for each site. No secret is in
 * it, nor what may hold one: headers, bodies, user names.
 */
export function configSummary(config: Config): string[] {
  const { sites, disabledSites, kafka, agent, writer, database } = config;
  const hide = (text: string) => hideSecrets(text, config.secrets);
  const perSecond = sites.reduce((sum, { frequencyMs }) => sum + 1_000 / frequencyMs, 0);
  return [
    `kafka     ${hide(kafkaSummary(kafka))}`,
    `database  ${
      database
        ? placeOf(config.dsnAsWritten ?? database.dsn)
        : "none, which writer, init-schema and dbdump need"
    }`,
    `agent     ${hide(agentSummary(agent))}`,
    `writer    at most ${counted(writer.maxBatchMessages, "result")} in a transaction${
      listening(writer.listen)
    }`,
    sites.length === 0
      ? "sites     none, which an agent needs"
      : `sites     ${sites.length}, ${Number(perSecond.toPrecision(3))} checks a second`,
    ...(disabledSites.length === 0
      ? []
      : [`disabled  ${disabledSites.map((site) => quote(siteId(site))).join(", ")}`]),
    ...(sites.length === 0 ? [] : ["", ...siteTable(sites)]),
    ...remarks(sites),
  ];
}

function agentSummary({ stateDir, maxConcurrentChecks, location, labels, listen }: AgentConfig) {
  return `state in ${stateDir}` +
    (maxConcurrentChecks === null ? "" : `, at most ${maxConcurrentChecks} checks at a time`) +
    (location === null ? "" : `, location ${location}`) + labelled(labels) + listening(listen);
}

function labelled(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([name, value]) => `, ${name}=${value}`).join("");
}

/** What is allowed, and may not be what was meant. */
function remarks(sites: readonly Site[]): string[] {
  const slow = sites.filter(({ timeoutMs, frequencyMs }) => timeoutMs > frequencyMs);
  if (slow.length === 0) return [];
  const [first] = slow;
  const which = `${quote(siteId(first!))}${slow.length > 1 ? ` and ${slow.length - 1} more` : ""}`;
  return [
    "",
    `The timeout of ${which} is longer than its interval: a check that hangs answers for the due`,
    "times that pass meanwhile (slots), and is told that much later.",
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
function rulesSummary({ rules, maintenance, evidence, labels, secrets }: Site): string {
  return [
    ...rulesOf(rules).map(({ rule, value }) => rule.summary(value)),
    maintenance.length > 0 && counted(maintenance.length, "maintenance"),
    !evidence && "no evidence",
  ].filter((part) => typeof part === "string").join(", ") +
    hideSecrets(labelled(labels), secrets);
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

/** Host and database of a DSN as it is written; of what stands for the whole of it, nothing. */
function placeOf(written: string): string {
  if (dsnProblem(written) !== null) return "where the DSN says";
  const { host, port, dbname } = parseDsn(written);
  return [
    host ? `at ${host}${port ? `:${port}` : ""}` : "where the DSN says",
    ...(dbname ? [`database ${dbname}`] : []),
  ].join(", ");
}

function listening(listen: Listen | null): string {
  return listen === null ? "" : `, serves ${hostPort(listen)}`;
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
