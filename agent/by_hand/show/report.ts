import { Buffer } from "node:buffer";
import type { Site } from "../../../config/types.ts";
import type { Evidence, ResultMessage } from "../../../wire/message.ts";
import { kindOf } from "../../auth/index.ts";
import type { Checked } from "../../check/check.ts";
import type { Judgement } from "../../check/judge.ts";
import { hideSecrets, secretsOf } from "../../evidence/scrub.ts";
import { hideSecretLooking } from "../../evidence/secret_patterns.ts";
import { parseTarget } from "../../http/target.ts";
import { cleanLine } from "../../http/text.ts";
import { encodeRequest } from "../../http/timed/request_head.ts";
import { type Hop, type HttpRecord, type HttpRequest, whole } from "../../http/types.ts";
import { type RuleOutcome, verdictOfFailure } from "../../rules/index.ts";
import { tlsLines } from "./certificates.ts";
import { COLOURS, grouped, milliseconds, section, type Style, titleOf } from "./style.ts";
import { phaseLines } from "./times.ts";

const MAX_URL = 2_048;

/**
 * All that one check saw, for a person to read.
 *
 * @param now Wall clock, milliseconds since 1970
 */
export function reportOf(
  site: Site,
  { message, request, record, judgement, outcomes, loopDelayMs }: Checked,
  now: number,
  style: Style,
): string {
  const { redirects = [], phases, evidence } = message;
  const { addresses = [] } = record;
  const secrets = secretsOf(site, request);
  const rules = outcomes.length > 0
    ? ruleLines(outcomes, style)
    : [style.paint("dim", "none was looked at, as no full response came")];
  const phasesTitle = redirects.length > 0 ? "Phases of the last request" : "Phases";
  return [
    ...headline(site, message, judgement, style),
    ...section("Request", [...requestLines(site, message), ownDelay(loopDelayMs)], style),
    ...section("Addresses tried", style.isVerbose ? addresses : [], style),
    ...section("Request head", style.isVerbose ? requestHead(request) : [], style),
    ...section("Response head", style.isVerbose ? responseHead(record) : [], style),
    ...section("Redirects", redirects.length > 0 ? hopLines(record.hops, style) : [], style),
    ...section(phasesTitle, phases ? phaseLines(phases, style) : [], style),
    ...section("TLS", record.tls ? tlsLines(record.tls, now, style) : [], style),
    ...section("Rules", rules, style),
    ...section("Evidence", evidence ? evidenceLines(evidence, style) : [], style),
  ].map((line) => hideSecrets(line, secrets)).join("\n");
}

function headline(
  site: Site,
  message: ResultMessage,
  { whose }: Judgement,
  style: Style,
): string[] {
  const { paint } = style;
  const { verdict, reason, errorMessage, responseCode } = message;
  const word = paint(COLOURS[verdict!], verdict!.toUpperCase());
  const took = milliseconds(message.responseTime);
  const size = message.bodyBytes === undefined
    ? ""
    : `, ${grouped(message.bodyBytes)} ${message.bodyBytes === 1 ? "byte" : "bytes"}` +
      (message.bodyTruncated ? " (cut there)" : "");
  const answer = responseCode === null ? "no response" : `${responseCode}`;
  const lines = [
    titleOf(site, style),
    `${paint("bold", word)}${reason ? `  ${reason}` : ""}  ${
      paint("dim", "·")
    }  ${answer} in ${took}${size}`,
  ];
  if (errorMessage !== null) lines.push(errorMessage);
  if (verdict === "unknown") {
    const ours = whose === "agent" ? "this machine or its config" : `this machine's ${whose}`;
    lines.push(paint("dim", `Trouble of ${ours}, which says nothing of the site`));
  }
  if (message.maintenance) lines.push(paint("yellow", "Within a maintenance of this site"));
  return lines;
}

function requestLines(site: Site, message: ResultMessage): string[] {
  const { method, ipVersion, proxy, body, tls } = site.request;
  const how = [
    site.client === "fetch" ? "by the platform's fetch" : null,
    ipVersion === "auto" ? null : `over IPv${ipVersion}`,
    proxy === null ? null : "through a proxy",
    site.auth === null ? null : `with ${kindOf(site.auth).title}`,
    body === null ? null : `with a body of ${grouped(body.length)} bytes`,
    tls?.insecure ? "whatever its certificate says" : null,
  ].filter((part) => part !== null);
  const answered = [
    message.remoteAddress === undefined ? null : `${message.remoteAddress}`,
    message.httpVersion === undefined ? null : `HTTP/${message.httpVersion}`,
  ].filter((part) => part !== null);
  return [
    [method, ...how].join(", "),
    ...(answered.length > 0 ? [`answered by ${answered.join(", ")}`] : []),
  ];
}

/** How long this program itself was held up while it checked: what it measured may be too long by it. */
function ownDelay(ms: number): string {
  return `own delay at most ${milliseconds(ms)}`;
}

/** Each request, the last one included: where it went is written nowhere else. */
function hopLines(hops: readonly Hop[], { paint }: Style): string[] {
  const times = hops.map(({ ms }) => milliseconds(ms));
  const width = Math.max(...times.map((time) => time.length));
  return hops.map(({ url, status }, i) => {
    const shown = cleanLine(hideSecretLooking(url), MAX_URL);
    const line = `${status ?? "---"}  ${times[i]!.padStart(width)}  ${shown}`;
    return i < hops.length - 1 ? paint("dim", line) : line;
  });
}

function evidenceLines(
  { statusLine, headers, body }: Evidence,
  { paint, columns }: Style,
): string[] {
  const width = columns === null ? Infinity : Math.max(20, columns - 4);
  const fit = (line: string) => line.length <= width ? line : `${line.slice(0, width - 1)}…`;
  const lines = [
    ...(statusLine === null ? [] : [statusLine]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ].map((line) => paint("dim", fit(line)));
  if (body === null) return lines;
  const text = body.replace(/\s+$/, "").split(/\r\n|\r|\n/).map((line) =>
    fit(line.replaceAll("\t", "  "))
  );
  return [...lines, "", ...text];
}

/** The longest text of a site or of the config that stands in a line. */
const MAX_TEXT = 200;

/** One line a rule: whether it was kept, what it asks, and what came. */
function ruleLines(outcomes: readonly RuleOutcome[], { paint }: Style): string[] {
  const width = Math.max(0, ...outcomes.map(({ rule }) => rule.length));
  return outcomes.map(({ rule, ok, expected, found }) => {
    const name = rule.padEnd(width);
    const wanted = `expected ${cleanLine(expected, MAX_TEXT)}`;
    const came = `found ${cleanLine(found, MAX_TEXT)}`;
    if (ok) return `${paint("green", "✓")} ${name}  ${paint("dim", `${wanted}, ${came}`)}`;
    const colour = verdictOfFailure(rule) === "down" ? "red" : "yellow";
    return `${paint(colour, `✗ ${name}`)}  ${wanted}, ${paint("bold", came)}`;
  });
}

const MAX_LINE = 2_048;

/** The head of the first request, as HTTP/1.1 has it; none where there was no request to make. */
function requestHead(request: HttpRequest): string[] {
  try {
    const encoded = encodeRequest(whole(request), parseTarget(request.url));
    const [head = ""] = Buffer.from(encoded).toString().split("\r\n\r\n");
    return head.split("\r\n").map(headLine);
  } catch {
    return [];
  }
}

/** The head of the last response; none where none came. */
function responseHead({ status, statusText, httpVersion, headers }: HttpRecord): string[] {
  if (status === null) return [];
  return [
    `HTTP/${httpVersion ?? "?"} ${status} ${statusText}`.trimEnd(),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ].map(headLine);
}

function headLine(text: string): string {
  return cleanLine(text, MAX_LINE);
}
